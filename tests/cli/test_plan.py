"""What a run says is true: nothing that changed is left undone, nothing is done twice, no network flatters itself."""

import json
import re
import shutil
from pathlib import Path

import pytest

from catdog_exp.packs.lst_files import read_list
from tests.cli.conftest import SMALL
from tests.cli.store import client, runs

pytestmark = pytest.mark.usefixtures("store_there")

OWN = SMALL[1:]  # for pictures of one's own


@pytest.fixture
def pictures(tmp_path, finished):
    """A folder of 30 drawn pictures of each class."""
    return shutil.copytree(next((finished[0] / "outputs" / "pictures").glob("synthetic-*")), tmp_path / "mine")


def lists(folder, side):
    """The files of one side, in each pack, the oldest first."""
    packs = sorted(folder.glob(f"outputs/packs/*/{side}_file.lst"), key=lambda file: file.stat().st_mtime_ns)
    return [{entry.path for entry in read_list(file)} for file in packs]


def output(done, code=0):
    """What the command said; code: that it must end with, None: any."""
    assert code is None or done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr if code else done.stdout + done.stderr


def test_a_network_is_not_judged_on_pictures_that_it_was_trained_on(catdog, tmp_path, pictures):
    words = [*OWN, "data=folder", f"data.root={pictures}", "data.split_ratio=0.8"]
    output(catdog(*words, "data.seed=0"))
    told = output(catdog(*words, "stages=[pack,evaluate]", "data.seed=1"))
    (trained_on, _), (_, judged_on) = lists(tmp_path, "train"), lists(tmp_path, "validation")
    known = judged_on & trained_on
    assert known
    assert f"{len(known)} of 12 validation pictures are left out: the network was trained on them" in told
    assert runs(tmp_path)[-1].data.metrics["best/pictures"] == len(judged_on - trained_on)


@pytest.mark.slow
def test_a_network_that_has_learned_all_of_them_is_not_judged(catdog, tmp_path, pictures):
    words = [*OWN, "data=folder", "data.split_ratio=0.8"]
    output(catdog(*words, f"data.root={pictures}"))
    (trained_on,) = lists(tmp_path, "train")
    known = tmp_path / "known"
    for path in trained_on:
        (known / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pictures / path, known / path)
    told = output(catdog(*words, f"data.root={known}", "stages=[pack,evaluate]"), code=2)
    (line,) = (line for line in told.splitlines() if line.startswith("catdog:"))
    assert "none is left to judge it on" in line


@pytest.mark.slow
def test_whoever_goes_on_from_a_run_is_not_judged_on_what_that_learned(catdog, tmp_path, pictures):
    words = [*OWN, "data=folder", f"data.root={pictures}", "data.split_ratio=0.8"]
    output(catdog(*words))
    (first,) = runs(tmp_path)
    told = output(catdog(*words, f"train.init_from={first.info.run_id}", "data.seed=1"))
    (trained_on, _), (_, judged_on) = lists(tmp_path, "train"), lists(tmp_path, "validation")
    left = len(judged_on - trained_on)
    assert 0 < left < 12
    second = runs(tmp_path)[-1]
    assert second.data.metrics["best/pictures"] == left
    assert second.data.metrics["best/accuracy"] == pytest.approx(second.data.metrics["objective"])
    assert "was trained on them" in told


@pytest.mark.slow
def test_what_weights_from_elsewhere_learned_is_said_to_be_unknown(catdog, tmp_path):
    from safetensors.numpy import load_file, save_file

    output(catdog(*SMALL))
    (checkpoint,) = tmp_path.glob("outputs/runs/*/*/checkpoints/best.safetensors")
    save_file(load_file(checkpoint), tmp_path / "weights.safetensors")
    told = output(catdog(*SMALL, "train.init_from=weights.safetensors"))
    assert "first weights were trained on cannot be known" in told


def test_the_best_of_other_pictures_is_not_the_best_of_these(catdog, tmp_path, pictures):
    output(catdog(*SMALL, "train.epochs=6"))
    (drawn,) = runs(tmp_path)
    for number, file in enumerate(sorted(pictures.rglob("*.jpg"))):  # what cannot be learned
        shutil.copy(file, pictures / ("cat" if number % 2 else "dog") / f"x{number}.jpg")
        file.unlink()
    output(catdog(*OWN, "data=folder", f"data.root={pictures}", "train.lr=1e-9", "train.epochs=1"))
    mine = runs(tmp_path)[-1]
    assert mine.data.metrics["objective"] < drawn.data.metrics["objective"]
    (picture, *_) = (pictures / "cat").iterdir()
    done = catdog("predict", picture)
    output(done)
    line = done.stderr.splitlines()[0]
    assert line.startswith(f"network of run {mine.info.run_id[:8]}")
    assert "the best of the data set that was trained on last" in line
    assert f"better, on another data set: run {drawn.info.run_id[:8]}" in line
    done = catdog("predict", picture, *SMALL[:1])
    assert done.stderr.startswith(f"network of run {drawn.info.run_id[:8]}")
    (pictures / "cat" / "new.jpg").write_bytes(picture.read_bytes() + b"\0")
    done = catdog("predict", picture, "data=folder", f"data.root={pictures}")
    assert "no run of the experiment catdog was trained on these pictures" in output(done, code=2)


def test_new_pictures_to_predict_are_predicted(catdog, tmp_path, pictures):
    unknown = tmp_path / "unknown"
    unknown.mkdir()
    shutil.copy(pictures / "cat" / "cat.000000.jpg", unknown / "1.jpg")
    words = [*SMALL, "stages=[pack,train,predict]", f"predict.pictures={unknown}"]
    output(catdog(*words))
    assert "finished already" in output(catdog(*words))
    shutil.copy(pictures / "dog" / "dog.000000.jpg", unknown / "2.jpg")
    told = output(catdog(*words))
    assert "finished already" not in told
    assert "epoch 1/" not in told
    assert "2.jpg" in told
    (run,) = runs(tmp_path)
    folder = client(tmp_path).download_artifacts(run.info.run_id, "predictions", str(tmp_path))
    assert sorted(file.read_text().count(".jpg") for file in Path(folder).rglob("*.csv")) == [1, 2]
    (unknown / "2.jpg").unlink()  # what was predicted once is known for good
    assert "finished already" in output(catdog(*words))


def test_one_stage_more_costs_that_stage(catdog, tmp_path):
    output(catdog(*SMALL, "stages=[pack,train]"))
    told = output(catdog(*SMALL))
    assert "trained already" in told
    assert "epoch 1/" not in told
    (run,) = runs(tmp_path)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["best/accuracy"] == pytest.approx(run.data.metrics["objective"])
    assert "preview.png" in [file.path for file in client(tmp_path).list_artifacts(run.info.run_id)]
    assert "finished already" in output(catdog(*SMALL))


@pytest.mark.slow
def test_another_kind_of_device_is_another_training(installed, tmp_path):
    # No GPU here: MXNet is told that there is one, and computes on the processor in its place.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.argv[-1:] != ['-c'] and any('catdog' in word for word in sys.argv):\n"
        "    from catdog_exp import mx\n"
        "    mx.context = lambda *_: mx.mx.cpu()\n"
    )
    words = {"PYTHONPATH": str(tmp_path)}
    output(installed(*SMALL, "hardware.device=cpu", **words))
    told = output(installed(*SMALL, "hardware.device=gpu", **words))
    assert "finished already" not in told
    assert len({run.data.tags["fingerprint"] for run in runs(tmp_path)}) == 2


def test_the_plan_is_said_and_nothing_is_done(catdog, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    told = output(catdog(*SMALL, "plan=true", cwd=nothing))
    assert "60 are to be drawn" in told
    assert list(nothing.iterdir()) == []
    output(catdog(*SMALL, "stages=[pack,train]"))
    (run,) = runs(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    told = output(catdog(*SMALL, "plan=true"))
    assert sorted(tmp_path.rglob("*")) == before
    assert "48 to train on, 12 to validate on" in told
    assert re.search(rf"stage train +is done, in run {run.info.run_id[:8]}", told)
    assert re.search(rf"stage evaluate +is to be done, with the network of run {run.info.run_id[:8]}", told)
    assert re.search(r"stage train +is to be done", output(catdog(*SMALL, "plan=true", "train.seed=5")))


def test_the_pictures_are_listed_once(catdog, tmp_path, pictures):
    (tmp_path / "counted.py").write_text(
        "from dataclasses import dataclass\n"
        "from catdog_exp.sources.folders import Folder\n"
        "@dataclass(frozen=True)\n"
        "class Counted(Folder):\n"
        "    def listing(self, classes):\n"
        "        print('listed')\n"
        "        return super().listing(classes)\n"
    )
    words = [*OWN, "data=folder", f"data.root={pictures}", "data.source._target_=counted.Counted", "stages=[pack]"]
    for more in (["plan=true"], [], ["-m", "sweep.dry_run=true", "data.seed=1"]):
        assert output(catdog(*words, *more)).splitlines().count("listed") == 1


def test_a_run_knows_its_pack_and_its_data_set(finished):
    (run,) = runs(finished[0])
    (manifest,) = finished[0].glob("outputs/packs/*/manifest.json")
    assert run.data.tags["pack"] == json.loads(manifest.read_text())["fingerprint"]
    assert len(run.data.tags["dataset"]) == 32


def test_pictures_set_aside_to_test_on_are_tested_on_once(catdog, tmp_path):
    told = output(catdog(*SMALL, "data.test_ratio=0.2"))
    (run,) = runs(tmp_path)
    assert (run.data.metrics["best/pictures"], run.data.metrics["test/pictures"]) == (10, 12)
    assert 0 <= run.data.metrics["test/accuracy"] <= 1
    assert re.search(r"on 10 validation pictures, which chose the epoch: .* accuracy [\d.]+ \(95 %", told)
    assert re.search(r"on 12 test pictures: .* accuracy [\d.]+ \(95 %", told)
    assert "worst_mistakes_test.png" in [file.path for file in client(tmp_path).list_artifacts(run.info.run_id)]
    assert not lists(tmp_path, "test")[0] & (lists(tmp_path, "train")[0] | lists(tmp_path, "validation")[0])


def test_a_picture_stays_on_its_side_when_others_are_added(catdog, tmp_path, pictures):
    words = [*OWN, "data=folder", f"data.root={pictures}", "stages=[pack]", "data.split_ratio=0.8"]
    output(catdog(*words))
    for name in ("cat", "dog"):
        (pictures / name / "new.jpg").write_bytes((pictures / name / f"{name}.000000.jpg").read_bytes() + b"\0")
    output(catdog(*words))
    (trained_on, _), (_, validated_on) = lists(tmp_path, "train"), lists(tmp_path, "validation")
    assert len(validated_on & trained_on) <= 2


@pytest.mark.slow
def test_a_test_side_that_grows_is_judged_anew_and_what_chose_the_epoch_is_not_tested_on(catdog, tmp_path, pictures):
    own = tmp_path / "own"
    for number, file in enumerate(sorted(pictures.rglob("*.jpg"))):
        side = ("train", "train", "train", "val", "test")[number % 5]
        (own / side / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, own / side / file.parent.name / file.name)
    words = [*OWN, "data=folder", f"data.root={own}"]
    output(catdog(*words))
    (run,) = runs(tmp_path)
    assert run.data.metrics["test/pictures"] == 12
    (own / "test" / "dog" / "new.jpg").write_bytes(next((own / "test" / "dog").iterdir()).read_bytes() + b"\0")
    told = output(catdog(*words))
    assert "epoch 1/" not in told
    (run,) = runs(tmp_path)
    assert run.data.metrics["test/pictures"] == 13
    manifest = tmp_path / "outputs" / "packs" / run.data.tags["pack"] / "manifest.json"
    assert json.loads(manifest.read_text())["counts"]["test"] == {"cat": 6, "dog": 7}
    done = catdog("predict", own / "val", "data=folder", f"data.root={own}")
    output(done)
    assert "the best of this data set" in done.stderr


@pytest.mark.slow
def test_what_chose_the_epoch_is_said_and_never_tested_on(catdog, tmp_path, pictures):
    words = [*OWN, "data=folder", f"data.root={pictures}", "data.split_ratio=0.8"]
    output(catdog(*words, "data.seed=0"))
    (validated_on,) = lists(tmp_path, "validation")
    told = output(catdog(*words, "stages=[pack,evaluate]", "data.seed=1", "data.test_ratio=0.4"), code=None)
    assert lists(tmp_path, "test")[-1] & validated_on
    assert "the network's epoch was chosen on" in told
    assert not re.search(r"on \d+ test pictures: loss", told)  # all others were trained on


def test_settings_that_name_no_pictures_choose_no_data_set(finished, catdog):
    (picture, *_) = finished[0].glob("outputs/pictures/*/cat/*.jpg")
    done = catdog("predict", picture, "data.threads=1", cwd=finished[0])
    output(done)
    assert "trained on last" in done.stderr
