"""Which settings make another training, and which do not."""

from dataclasses import replace

import pytest
from hydra import compose, initialize_config_dir

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.identity import training_identity
from catdog_exp.experiment.plan import resolve
from catdog_exp.packs.plan import plan_pack
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import plain
from tests.images.drawn import DATA, draw_pictures

register()


def settings(*words):
    with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
        return plain(compose("config", list(words)))


@pytest.fixture(scope="module")
def listing(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("drawn") / "pictures")


@pytest.fixture(scope="module")
def identity(listing, tmp_path_factory):
    """The identity of a training with these words; `data`: changed settings of its pack."""
    packs = tmp_path_factory.mktemp("packs")

    def of(*words, kind="cpu", weights=None, **data):
        return training_identity(settings(*words), plan_pack(listing, replace(DATA, **data), packs), kind, weights)

    return of


@pytest.mark.parametrize(
    "word",
    [
        "augment=strong",
        "augment.pad=3",
        "model=resnet",
        "model.layers=3",
        "train.lr=0.001",
        "train.seed=1",
        "train/optimizer=sgd",
        "hardware.batch_size=32",
        "objective=val/loss",
    ],
)
def test_what_changes_the_network_is_another_training(identity, word):
    assert identity(word) != identity()


@pytest.mark.parametrize(
    "word",
    [
        "stages=[pack,train]",
        "hardware.threads=1",
        "hardware=cpu",
        "data.threads=2",
        "paths.outputs=elsewhere",
        "tracking.experiment=other",
        "tracking=none",
        "train.resume=false",
        "train.checkpoint_minutes=5",
        "if_exists=new",
        "sweep.jobs=3",
        "machine=example",
    ],
)
def test_other_stages_and_where_and_how_fast_it_is_done_are_the_same_training(identity, word):
    assert identity(word) == identity()


def test_a_number_is_the_same_with_and_without_a_point(identity):
    assert identity("train.clip=1") == identity("train.clip=1.0")


def test_a_gpu_is_another_kind_of_device_and_several_count(identity):
    kinds = [identity(kind="cpu"), identity(kind="gpu"), identity("hardware.gpus=2", "hardware=gpu", kind="gpu")]
    assert len(set(kinds)) == 3


def test_several_workers_are_another_training(identity):
    words = ["hardware.root=localhost:9", "hardware.rank=0"]
    assert identity() != identity(*words, "hardware.workers=2") != identity(*words, "hardware.workers=3")


def test_weights_to_start_from_count(identity):
    assert len({identity(), identity(weights="a" * 64), identity(weights="b" * 64)}) == 3


@pytest.mark.parametrize("data", [{"resize": 20}, {"quality": 80}, {"seed": 1}, {"split_ratio": 0.6}], ids=str)
def test_other_packing_or_another_split_is_another_training(identity, data):
    assert identity(**data) != identity()


def test_several_record_files_are_the_same_training(identity):
    assert identity(shards=3) == identity()


def test_pictures_count_by_what_they_show_not_by_how_they_are_called(listing, identity, tmp_path):
    renamed = {picture.path: f"{picture.path[:4]}x{picture.path[4:]}" for picture in listing.pictures}
    for old, new in renamed.items():
        (tmp_path / new).parent.mkdir(exist_ok=True)
        (tmp_path / new).write_bytes((listing.root / old).read_bytes())
    pictures = [replace(picture, path=renamed[picture.path]) for picture in listing.pictures]
    moved = plan_pack(replace(listing, root=tmp_path, pictures=pictures), DATA, tmp_path / "packs")
    assert training_identity(settings(), moved, "cpu", None) == identity()
    (tmp_path / pictures[0].path).write_bytes((tmp_path / pictures[1].path).read_bytes() + b"more")
    changed = plan_pack(replace(listing, root=tmp_path, pictures=pictures), DATA, tmp_path / "packs")
    assert training_identity(settings(), changed, "cpu", None) != identity()


def test_another_network_under_the_same_name_is_another_training(listing, tmp_path):
    file = tmp_path / "mine.onnx"
    words = ("model=onnx_backbone", f"model.file={file}", "data=folder", f"data.root={listing.root}")
    values = settings(*words, f"paths.outputs={tmp_path}")
    config = read(RunConfig, values)
    trainings = []
    for content in (b"one", b"another", b"one"):
        file.write_bytes(content)
        trainings.append(resolve(config, values).training)
    assert trainings[0] == trainings[2] != trainings[1]


def test_a_side_has_the_same_digest_however_it_is_packed_and_another_with_other_pictures(listing, tmp_path):
    def digests(**data):
        pack = plan_pack(listing, replace(DATA, **data), tmp_path)
        return {side: pack.side_digest(side) for side in pack.sides}

    first = digests()
    assert len(set(first.values())) == len(first) == 2
    assert digests(resize=DATA.resize + 8, quality=80) == first
    assert not set(digests(seed=DATA.seed + 1).values()) & set(first.values())
