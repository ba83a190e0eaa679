"""The typed config: what it takes, and the one line it gives for what it does not take."""

import time
from dataclasses import dataclass, make_dataclass
from typing import Any

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.config import DataConfig
from catdog_exp.reading import read
from catdog_exp.sources.source import Source
from catdog_exp.training.config import HardwareConfig, TrainConfig
from catdog_exp.training.optimizers import Optimizer, Sgd, Step
from catdog_exp.training.schedules import Cosine

HARDWARE = {"device": "cpu", "batch_size": 64, "threads": None}
DISTRIBUTED = {"rank": 0, "workers": 3, "root": "10.0.0.1:9000"}
TRAIN = {
    "epochs": 3,
    "lr": 1,
    "seed": 0,
    "patience": None,
    "max_minutes": None,
    "clip": None,
    "accumulate": 1,
    "average": None,
    "mirrored": False,
    "resume": True,
    "checkpoint_minutes": None,
    "init_from": None,
    "freeze": [],
    "optimizer": {
        "_target_": "catdog_exp.training.optimizers.Sgd",
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 0.0,
    },
    "schedule": {"_target_": "catdog_exp.training.schedules.Cosine", "warmup_epochs": 1.0, "final": 0.0},
}


@dataclass(frozen=True)
class OwnOptimizer(Optimizer):
    """What a user might add."""

    power: float

    def state(self, weights: Any) -> list[Any]:  # noqa: ARG002 - it needs none
        return []

    def update(self, weights: Any, gradient: Any, state: list[Any], step: Step) -> None:  # noqa: ARG002
        weights -= step.lr * gradient**self.power


def refusal(kind, values, where=""):
    with pytest.raises(UserError) as caught:
        read(kind, values, where)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_a_fitting_mapping_becomes_a_typed_section():
    train = read(TrainConfig, TRAIN)
    assert train.optimizer == Sgd(momentum=0.9, nesterov=False, weight_decay=0.0)
    assert train.schedule == Cosine(warmup_epochs=1.0, final=0.0)
    assert train.lr == 1.0


def test_a_user_s_own_class_fills_a_swappable_part():
    own = {"_target_": f"{__name__}.OwnOptimizer", "weight_decay": 0.0, "power": 2.0}
    assert read(TrainConfig, {**TRAIN, "optimizer": own}).optimizer == OwnOptimizer(0.0, 2.0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"batch_siez": 3}, ["hardware.batch_siez: unknown key", "did you mean hardware.batch_size?"]),
        ({"batch_size": "many"}, ["hardware.batch_size='many'", "valid integer"]),
        ({"batch_size": True}, ["hardware.batch_size=True", "valid integer"]),
        ({"batch_size": 1.5}, ["hardware.batch_size=1.5", "valid integer"]),
        ({"batch_size": 0}, ["hardware.batch_size=0", "greater than or equal to 1"]),
        ({"batch_size": "???"}, ["hardware.batch_size is not set"]),
        ({"device": "tpu"}, ["hardware.device='tpu'", "'cpu', 'gpu' or 'auto'"]),
        ({"threads": 0}, ["hardware.threads=0", "greater than or equal to 1"]),
        ({"gpus": 0}, ["hardware.gpus=0", "greater than or equal to 1"]),
        ({"gpus": 2}, ["hardware.gpus=2: needs hardware.device=gpu or auto"]),
        (DISTRIBUTED | {"root": "localhost"}, ["hardware.root='localhost'", "match"]),
        (DISTRIBUTED | {"workers": 1}, ["hardware.workers=1", "greater than or equal to 2"]),
        (DISTRIBUTED | {"rank": 3}, ["hardware.rank=3: the ranks of 3 workers are 0 to 2"]),
    ],
)
def test_what_does_not_fit_is_named_with_key_value_and_what_is_allowed(change, told):
    line = refusal(HardwareConfig, {**HARDWARE, **change}, "hardware")
    for part in told:
        assert part in line


def test_a_section_is_read_again_in_a_fraction_of_the_time():
    section = make_dataclass("Own", [(f"key{number}", int | None) for number in range(20)], frozen=True)
    values = dict.fromkeys((f"key{number}" for number in range(20)), 1)
    started = time.perf_counter()
    read(section, values)
    first = time.perf_counter()
    for _ in range(20):
        read(section, values)
    assert time.perf_counter() - first < first - started


def test_a_key_that_is_gone_is_told():
    values = {key: value for key, value in HARDWARE.items() if key != "device"}
    assert refusal(HardwareConfig, values, "hardware") == "hardware.device is not set: give hardware.device=VALUE"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("catdog_exp.training.optimizers.Sdg", "cannot be imported"),
        ("no.such.module.Sgd", "cannot be imported"),
        ("Sgd", "cannot be imported"),
        ("catdog_exp.training.schedules.Cosine", "must name a dataclass that extends"),
        ("catdog_exp.no.such.Sgd", "must name a dataclass that extends catdog_exp.training.optimizers.Optimizer"),
    ],
)
def test_a_target_that_cannot_stand_there_is_told(target, told):
    line = refusal(TrainConfig, {**TRAIN, "optimizer": {**TRAIN["optimizer"], "_target_": target}}, "train")
    assert line.startswith(f"train.optimizer._target_={target}: ")
    assert told in line


FOLDER = {"root": "."}
ZIP = {"url": "https://host/pictures.zip", "folder": "."}


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("archives.CatsDogs25k", "archives.Archive", ZIP),
        ("archives.Filtered", "archives.Archive", ZIP),
        ("drive.Drive", "drive.Drive", {"train_url": "", "predict_url": "", "folder": "."}),
        ("folders.Flat", "flat.Flat", FOLDER),
        ("folders.Folder", "folders.Folder", FOLDER),
        ("synthetic.Synthetic", "synthetic.source.Synthetic", {"folder": ".", "count": 2, "seed": 0}),
    ],
)
def test_a_class_that_was_moved_is_told_with_its_new_place(old, new, keys):
    old, new = f"catdog_exp.pictures.{old}", f"catdog_exp.sources.{new}"
    line = refusal(DataConfig, {"source": {"_target_": old}}, "data")
    assert line == f"data.source._target_={old}: this class was moved, write {new}"
    module, name = new.rsplit(".", 1)
    source = read(Source, {"_target_": new, **keys})
    assert (type(source).__module__, type(source).__name__) == (module, name)


def test_a_plain_value_where_a_section_belongs_is_told():
    assert refusal(TrainConfig, {**TRAIN, "optimizer": "sgd"}, "train").startswith("train.optimizer=sgd: ")


def test_keys_of_a_swappable_part_are_checked_too():
    line = refusal(TrainConfig, {**TRAIN, "optimizer": {**TRAIN["optimizer"], "momentun": 1}}, "train")
    assert "did you mean train.optimizer.momentum?" in line
