"""Every file under conf/ composes into a run that the schema takes."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

import catdog_exp.app.main  # noqa: F401 - registers the resolvers
from catdog_exp.app.compose import CONFIG_NAME, VERSION_BASE
from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain

CONF = conf_folders()[-1]
FILES = sorted(path.relative_to(CONF) for path in CONF.rglob("*.yaml"))
# What a file needs beside it to be a whole run.
NEEDS = {
    "data/folder.yaml": ["data.root=somewhere"],
    "data/flat.yaml": ["data.root=somewhere"],
    "model/onnx_backbone.yaml": ["model.file=some.onnx"],
    "tracking/server.yaml": ["tracking.uri=http://host:5000"],
}
# Files that others are made of; they are never a choice of their own.
PARTS = ["augment/base.yaml", "data/base.yaml", "hardware/base.yaml", "sweep/base.yaml"]


def choice(file: Path) -> list[str]:
    """The overrides that bring a file of conf/ into a run."""
    group = file.parent.as_posix()
    return [] if group == "." else [f"{group}={file.stem}"]


@pytest.mark.parametrize("file", [file for file in FILES if str(file) not in PARTS], ids=str)
def test_composes(file):
    overrides = [*choice(file), *NEEDS.get(str(file), [])]
    with initialize_config_dir(str(CONF), version_base=VERSION_BASE):
        config = compose(CONFIG_NAME, overrides=overrides)
    assert isinstance(read(RunConfig, plain(config)), RunConfig)


# Recipes and machines set keys that are explained where they are defined; Hydra's own are explained by Hydra.
EXPLAINED_ELSEWHERE = ("hydra", "experiment", "machine", "local", "debug")


@pytest.mark.parametrize("file", [file for file in FILES if file.parts[0] not in EXPLAINED_ELSEWHERE], ids=str)
def test_every_key_has_a_comment(file):
    lines = (CONF / file).read_text().split("\nhydra:")[0].splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r" *\w+: *[^ ]", line)
        and not line.strip().startswith(("defaults:", "_target_:"))
        and "#" not in line
        and not above.strip().startswith("#")
        and "${data.root}" not in line
    ]
    assert bare == []


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_says_what_it_is(file):
    assert (CONF / file).read_text().removeprefix("# @package _global_\n").startswith("# ")
