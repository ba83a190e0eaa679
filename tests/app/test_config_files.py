"""Mistakes in files of the user's own are told with the file and the line."""

import pytest

from catdog_exp.app.compose import run_config
from catdog_exp.errors import UserError, one_line

FILES = {
    "machine/lab.yaml": "# @package _global_\nhardware:\n  threads: 1\n  batch_siez: 3\n",
    "machine/slow.yaml": "# @package _global_\nhardware:\n  threads: many\n",
    "machine/cut.yaml": "# @package _global_\nhardware: [1\n",
    "train/mine.yaml": "defaults: [default]\nlearning_rate: 3\n",
    "hardware/auto.yaml": "device: cpu\n",
    "experiment/typo.yaml": "# @package _global_\nmodel:\n  layers: 99\n",
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CATDOG_MACHINE", raising=False)

    def write(name, text):
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("machine/lab.yaml", ["machine=lab"], "hardware.batch_siez: unknown key; {}, line 4"),
        ("machine/slow.yaml", ["machine=slow"], "hardware.threads='many': {}, line 3"),
        ("machine/cut.yaml", ["machine=cut"], "{}, line "),
        ("train/mine.yaml", ["train=mine"], "train.learning_rate: unknown key; {}, line 2"),
        ("hardware/auto.yaml", [], "hardware.batch_size is not set{}, which takes the place of this program's own"),
        ("experiment/typo.yaml", ["experiment=typo"], "model.layers=99: {}, line 3"),
        ("config.yaml", [], "{}: this is another program's, and would take the place of this one's"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(name, words, told, own):
    file = own(name, FILES.get(name, "defaults: [model: resnet50]\nlr: 3\n"))
    with pytest.raises(UserError) as caught:
        run_config(words)
    line = str(caught.value)
    start, end = told.split("{}")
    assert line.startswith(start)
    assert f"{file}{end}" in line.replace('"', "")
    assert "\n" not in line


def test_what_the_command_says_wrongly_is_not_laid_to_a_file(own):
    own("machine/lab.yaml", "# @package _global_\nhardware:\n  threads: 1\n")
    with pytest.raises(UserError) as caught:
        run_config(["machine=lab", "hardware.threads=no"])
    assert str(caught.value) == "hardware.threads='no': should be a valid integer"


def test_links_in_circles_among_the_files_are_nothing_to_mind(own, tmp_path):
    own("machine/lab.yaml", "# @package _global_\nhardware:\n  threads: 3\n")
    (tmp_path / "conf" / "up").symlink_to("..")
    (tmp_path / "conf" / "model").symlink_to("model")
    (tmp_path / "conf" / "machine" / "round.yaml").symlink_to("round.yaml")
    assert run_config(["machine=lab"]).hardware.threads == 3


@pytest.mark.parametrize(
    ("code", "line", "told"),
    [
        ("def f(:\n", 1, "SyntaxError: invalid syntax"),
        ("a = 1\nb = nothing\n", 2, "NameError: name 'nothing' is not defined"),
        (
            "from dataclasses import dataclass\nfrom catdog_exp.networks.network import Network\n"
            "@dataclass(frozen=True)\n"
            "class Net(Network):\n    layers: int\n    def build(self, size, classes): ...\n"
            "    def check(self, size):\n        {}[size]\n",
            8,
            "KeyError: 32",
        ),
    ],
)
def test_a_bug_in_a_class_of_the_user_s_is_told_as_theirs(code, line, told, own, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"own_{line}"
    (tmp_path / f"{name}.py").write_text(code)
    own("model/own.yaml", f"_target_: {name}.Net\nlayers: 2\n")
    with pytest.raises(Exception, match=r".") as caught:
        run_config(["model=own"])
    told_line = one_line(caught.value)
    assert told_line is not None
    assert f"{tmp_path / name}.py, line {line}: {told}; this is code of your own" in told_line
