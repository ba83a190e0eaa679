"""Checkpoint files: whole, the same bytes for the same content, and clear about what is wrong with them."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from catdog_exp.errors import UserError
from catdog_exp.networks.cnn import Cnn
from catdog_exp.training.checkpoint import Checkpoint, load_checkpoint, params_sha256, save_checkpoint
from catdog_exp.training.learned import Learned

ZEROS = {"w": np.zeros(3, np.float32)}


def checkpoint() -> Checkpoint:
    rng = np.random.default_rng(0)
    return Checkpoint(
        network=Cnn(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.25),
        classes=["cat", "dog", "Ærø × 🐾"],
        size=32,
        epoch=7,
        metrics={"val/accuracy": 0.8125, "train/loss": 0.1},
        objective="val/accuracy",
        seed=11,
        mirrored=True,
        pack="0123456789abcdef",
        learned=Learned().with_more(["a1" * 32, "b2" * 32]).encoded(),
        complete=True,
        validated=Learned().with_more(["c3" * 32]).encoded(),
        quality=95,
        parameters={
            "1.weight": rng.normal(size=(4, 3, 3, 3)).astype(np.float32),
            "1.bias": rng.normal(size=4).astype(np.float32),
        },
    )


def test_what_is_saved_is_what_is_loaded(tmp_path):
    saved = checkpoint()
    save_checkpoint(tmp_path / "new" / "a.safetensors", saved)
    loaded = load_checkpoint(tmp_path / "new" / "a.safetensors")
    assert loaded.parameters.keys() == saved.parameters.keys()
    for name, values in saved.parameters.items():
        assert loaded.parameters[name].dtype == values.dtype
        assert np.array_equal(loaded.parameters[name], values)
    assert dataclasses.replace(loaded, parameters={}) == dataclasses.replace(saved, parameters={})
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.safetensors"]


def test_other_tools_read_its_parameters(tmp_path):
    save_checkpoint(tmp_path / "a.safetensors", checkpoint())
    assert sorted(load_file(tmp_path / "a.safetensors")) == ["1.bias", "1.weight"]


def test_equal_checkpoints_are_equal_bytes_whatever_the_order_and_the_process(tmp_path):
    one = checkpoint()
    other = dataclasses.replace(
        one,
        metrics=dict(reversed(one.metrics.items())),
        parameters=dict(reversed(one.parameters.items())),
    )
    save_checkpoint(tmp_path / "one", one)
    save_checkpoint(tmp_path / "other", other)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    code = (
        "import sys, pathlib; from tests.training.test_checkpoint import checkpoint, save_checkpoint; "
        "save_checkpoint(pathlib.Path(sys.argv[1]), checkpoint())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONHASHSEED": "5"}
    subprocess.run([sys.executable, "-c", code, tmp_path / "third"], env=environment, check=True, timeout=60)
    assert (tmp_path / "third").read_bytes() == (tmp_path / "one").read_bytes()


def test_a_checkpoint_holds_nothing_of_the_machine(tmp_path):
    save_checkpoint(tmp_path / "a", checkpoint())
    assert str(tmp_path).encode() not in (tmp_path / "a").read_bytes()


def test_a_write_that_fails_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, checkpoint())
    before = path.read_bytes()

    def full_disk(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UserError, match="No space left"):
        save_checkpoint(path, dataclasses.replace(checkpoint(), epoch=8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.safetensors: there is no such checkpoint file"):
        load_checkpoint(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1])
def test_a_file_cut_short_is_named(tmp_path, kept):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, checkpoint())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"a\.safetensors: this checkpoint is damaged"):
        load_checkpoint(path)


def test_a_changed_byte_among_the_parameters_is_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, checkpoint())
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.safetensors: this checkpoint is damaged, its parameters are not"):
        load_checkpoint(path)


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\x89PNG" * 100)
    with pytest.raises(UserError, match="damaged or is no safetensors file"):
        load_checkpoint(path)


def test_another_programs_safetensors_file_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(ZEROS, path)
    with pytest.raises(UserError, match="is not a checkpoint of this program"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("{", "header is damaged"),
        ("[]", "header is damaged"),
        ("{}", "header is damaged"),
        (json.dumps({"format": 99}), "has format 99, and this program reads format 4"),
        (json.dumps({"format": 2}), "header is damaged"),
        (
            json.dumps({"format": 2, "params_sha256": params_sha256(ZEROS), "classes": ["a", "b"]}),
            "header does not fit: network is not set",
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_named(tmp_path, header, line):
    path = tmp_path / "a.safetensors"
    save_file(ZEROS, path, metadata={"catdog": header})
    with pytest.raises(UserError, match=line):
        load_checkpoint(path)


def test_checkpoints_of_earlier_versions_are_read_and_do_not_say_what_they_cannot(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, checkpoint())
    arrays = load_file(path)
    with safe_open(path, "numpy") as file:
        header = json.loads(file.metadata()["catdog"])
    del header["quality"]
    save_file(arrays, path, metadata={"catdog": json.dumps({**header, "format": 3})})
    loaded = load_checkpoint(path)
    assert (loaded.pictures, loaded.quality) == (checkpoint().pictures, None)
    for key in ("pack", "learned", "complete", "validated"):
        del header[key]
    save_file(arrays, path, metadata={"catdog": json.dumps({**header, "format": 2})})
    loaded = load_checkpoint(path)
    assert (loaded.network, loaded.epoch, loaded.pack, loaded.quality) == (checkpoint().network, 7, "", None)
    assert loaded.pictures == Learned(frozenset(), complete=False)


def test_the_pictures_that_it_was_trained_on_are_known_again(tmp_path):
    save_checkpoint(tmp_path / "a.safetensors", checkpoint())
    known = load_checkpoint(tmp_path / "a.safetensors").pictures
    assert known.complete
    assert known.others(["c3" * 32, "a1" * 32, "d4" * 32, "b2" * 32]).tolist() == [0, 2]
    assert load_checkpoint(tmp_path / "a.safetensors").choosing.others(["c3" * 32, "a1" * 32]).tolist() == [1]


def test_a_network_that_this_installation_lacks_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, checkpoint())
    path.write_bytes(path.read_bytes().replace(b"networks.cnn.Cnn", b"networks.own.Cnn"))
    with pytest.raises(UserError, match=r"_target_=catdog_exp\.networks\.own\.Cnn: cannot be imported"):
        load_checkpoint(path)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same checkpoint with something else in its header, at `path`."""
    save_checkpoint(path, checkpoint())
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["catdog"])
    change(header)
    save_file(load_file(path), path, metadata={"catdog": json.dumps(header)})
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["network"].update(_target_="planted.Cnn"),
        lambda header: header.update(_target_="planted.Header"),
        lambda header: header["network"].update(_target_="catdog_exp.__main__.Cnn"),
    ],
)
def test_a_checkpoint_that_somebody_has_sent_has_nothing_imported(tmp_path, monkeypatch, change):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planted.py").write_text("from pathlib import Path\nPath('imported').touch()\nclass Cnn: pass\n")
    path = changed(tmp_path / "a.safetensors", change)
    with pytest.raises(UserError, match=r"a\.safetensors: .*_target_="):
        load_checkpoint(path)
    with pytest.raises(UserError, match=r"a\.safetensors: .*_target_="):
        load_checkpoint(path, own=Own)
    assert not (tmp_path / "imported").exists()
    assert "catdog_exp.__main__" not in sys.modules


@dataclasses.dataclass(frozen=True)
class Own(Cnn):
    """What a user might add."""


def test_a_network_of_the_user_s_own_is_loaded_where_the_config_names_it_too(tmp_path):
    network = Own(layers=2, width=4, dense=[8], batch_norm=True, dropout=0.25)
    save_checkpoint(tmp_path / "a.safetensors", dataclasses.replace(checkpoint(), network=network))
    assert load_checkpoint(tmp_path / "a.safetensors", own=Own).network == network
    with pytest.raises(UserError, match=r"\.Own: this is not of catdog_exp, and is imported only where the config"):
        load_checkpoint(tmp_path / "a.safetensors")


def test_the_digest_is_of_values_in_name_order():
    parameters = checkpoint().parameters
    digest = params_sha256(parameters)
    assert len(digest) == 64
    assert params_sha256(dict(reversed(parameters.items()))) == digest
    changed = {**parameters, "1.bias": parameters["1.bias"] + 1}
    assert params_sha256(changed) != digest
