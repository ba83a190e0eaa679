"""Paths as people write them, in every key that is one."""

import dataclasses
import importlib
import pkgutil
import types
import typing

import pytest

import catdog_exp
from catdog_exp.app.compose import run_config
from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.paths import expanded
from catdog_exp.tracking.uris import absolute_uri, artifact_root


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("ZOO", "/data/zoo")
    monkeypatch.setenv("EMPTY", "")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("~/p", "/home/ada/p"),
        ("$ZOO/p", "/data/zoo/p"),
        ("${ZOO}s/~x", "/data/zoos/~x"),
        ("/mnt/$HOME", "/mnt//home/ada"),
        ("p 1/ü", "p 1/ü"),
        ("price$/5$", "price$/5$"),
    ],
)
def test_the_home_and_variables_are_expanded(path, meant):
    assert expanded(path) == meant


def test_a_folder_whose_name_has_the_sign_is_meant_as_it_stands(place):
    (place / "$ZOO" / "$NOPE*").mkdir(parents=True)
    assert expanded(f"{place}/$ZOO/$NOPE*/a") == f"{place}/$ZOO/$NOPE*/a"


# Each key that is a path: the words that set it, and what it comes to.
KEYS = {
    "paths.cache": lambda config: config.paths.cache,
    "paths.data": lambda config: config.data.source.folder,
    "model.file": lambda config: config.model.file,
    "paths.outputs": lambda config: config.paths.outputs,
    "data.root": lambda config: config.data.source.root,
    "data.source.folder": lambda config: config.data.source.folder,
    "train.init_from": lambda config: config.train.init_from,
    "predict.pictures": lambda config: config.predict.pictures,
    "tracking.artifacts": lambda config: artifact_root(config.tracking),
    "tracking.uri": lambda config: absolute_uri(config.tracking.uri).removeprefix("sqlite:///"),
}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_means_the_same(key):
    others = {"data.root": ["data=folder"], "model.file": ["model=onnx_backbone"]}.get(key, [])
    start = "sqlite:///" if key == "tracking.uri" else ""

    def said(value):
        return KEYS[key](run_config([*others, f"{key}='{start}{value}'"]))

    assert said("~/x.db") == "/home/ada/x.db"
    assert said("$ZOO/x.db") == "/data/zoo/x.db"
    for name, why in (("NOPE", "not set"), ("EMPTY", "empty")):
        with pytest.raises(UserError, match=f"the environment variable {name} is {why}"):
            said(f"${name}/x")
    with pytest.raises(UserError, match="a pattern stands for nothing here: name one file or folder"):
        said("pics/*/x")


# Keys that are texts, and no paths as `LocalPath` takes them.
NO_PATHS = {
    *("objective", "rerun_of", "chosen", "run", "experiment", "parent_run", "path", "url", "train_url", "predict_url"),
    *("outputs", "uri"),  # which are expanded by themselves, as the test above has it
}


def test_no_key_is_a_path_that_is_not_expanded():
    """Of all sections, and all sources, networks, optimizers and schedules that there are."""
    for module in pkgutil.walk_packages(catdog_exp.__path__, "catdog_exp."):
        if module.name.startswith(("catdog_exp.sources", "catdog_exp.networks", "catdog_exp.training.")):
            importlib.import_module(module.name)
    sections, found = [RunConfig], set()
    while sections:
        section = sections.pop()
        if "catdog_exp" not in section.__module__ or section in found:
            continue
        found.add(section)
        sections += section.__subclasses__()
        for name, kind in typing.get_type_hints(section, include_extras=True).items():
            kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
            sections += [each for each in kinds if dataclasses.is_dataclass(each)]
            assert str not in kinds or name in NO_PATHS, f"{section.__name__}.{name}"
    assert len(found) > 20


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("data=null", "data=null: name one of the choices; data can be catsdogs25k, "),
        ("+tracking=3", "+tracking=3: name one of the choices; tracking can be mlflow, none"),
        ("hydra/launcher=null", "hydra/launcher=null: name one of the choices"),
        ("data=${oc.env:NOPE,null}", "data=${oc.env:NOPE,null}: name one of the choices; data can be catsdogs25k, "),
        ("+augment=[[]]", "+augment=[[]]: name one of the choices; augment can be basic, "),
        ("augment=[basic,2]", "augment=[basic,2]: name one of the choices; augment can be basic, "),
        ("~tracking=[1,2]", "~tracking=[1,2]: name one of the choices; tracking can be mlflow, none"),
        ("hydra.verbose={a:1}", "hydra.verbose={a:1}: Hydra fails for such a value"),
        ("++hydra.job.config=x", "++hydra.job.config=x: Hydra fails for such a value"),
        ("paths.outputs=3", "paths.outputs=3: should be a valid string"),
        ("paths.outputs=[a]", "paths.outputs=['a']: should be a valid string"),
        ("hydra.run.dir=[a]", "hydra.run.dir=[a]: "),
        ("hydra.job.chdir=maybe", "hydra.job.chdir=maybe: Value 'maybe' is not a valid bool"),
    ],
)
def test_values_of_another_kind_are_told_in_one_line(word, told):
    with pytest.raises(UserError) as caught:
        run_config([word])
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [["data=folder", "data.root="], ["predict.pictures="], ["tracking.artifacts=''"]])
def test_an_empty_path_is_refused(words):
    with pytest.raises(UserError, match="is empty: name a file or folder"):
        run_config(words)
