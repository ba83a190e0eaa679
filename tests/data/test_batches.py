"""Batches: seeded, complete, of one shape."""

import dataclasses
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from catdog_exp.data.batches import plain_batches, steps_per_epoch, train_batches
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import SPARE, DecodedPictures
from tests.learnable import decoded, halves

BASIC = AugmentConfig(random_crop=True, pad=2, flip="random")
STRONG = dataclasses.replace(BASIC, scale=[0.6, 1.1], rotation=10.0, contrast=0.3, cutout=0.3, mixup=0.5, cutmix=1.0)


def marked(count: int) -> object:
    """Pictures of one colour each, which is their number; labels are the number modulo 3."""
    pictures = [np.full((8, 8 + number % 3, 3), number, np.uint8) for number in range(count)]
    return decoded(pictures, [number % 3 for number in range(count)], 8)


def numbers(pictures: object, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    batches = train_batches(pictures, BASIC, 3, batch_size, seed, epoch)
    return [crops[:, 0, 0, 0].tolist() for crops, _ in batches]


def test_an_epoch_shows_each_picture_at_most_once_with_its_own_label():
    seen = []
    for crops, targets in train_batches(marked(50), BASIC, 3, 8, seed=0, epoch=1):
        assert crops.shape == (8, 3, 8, 8)
        assert crops.dtype == np.uint8
        assert crops.flags.c_contiguous
        shown = crops[:, 0, 0, 0]
        assert (targets.dtype, targets.shape) == (np.float32, (8, 3))
        assert np.array_equal(targets, np.eye(3)[shown % 3])
        seen.extend(shown.tolist())
    assert len(seen) == 48 == 8 * steps_per_epoch(50, 8)
    assert len(set(seen)) == 48


def test_fewer_pictures_than_a_batch_are_one_batch():
    [(crops, targets)] = train_batches(marked(5), BASIC, 3, 64, seed=0, epoch=1)
    assert crops.shape == (5, 3, 8, 8)
    assert sorted(crops[:, 0, 0, 0].tolist()) == [0, 1, 2, 3, 4]
    assert len(targets) == 5 == 5 * steps_per_epoch(5, 64)


@pytest.mark.parametrize(("count", "sizes"), [(50, [8, 8]), (13, [7, 6])])
def test_workers_share_out_the_batches_of_one_that_has_theirs_together(count, sizes):
    pictures = marked(count)
    whole = list(train_batches(pictures, STRONG, 3, 16, seed=0, epoch=1))
    shares = [list(train_batches(pictures, STRONG, 3, 8, 0, 1, rank=rank, workers=2)) for rank in (0, 1)]
    assert [len(crops) for share in shares for crops, _ in share[:1]] == sizes
    for (crops, targets), *parts in zip(whole, *shares, strict=True):
        assert np.array_equal(crops, np.concatenate([part for part, _ in parts]))
        assert np.array_equal(targets, np.concatenate([part for _, part in parts]))


def test_order_follows_from_seed_and_epoch():
    pictures = marked(40)
    first = numbers(pictures, 8, seed=1, epoch=1)
    assert numbers(pictures, 8, seed=1, epoch=1) == first
    assert numbers(pictures, 8, seed=1, epoch=2) != first
    assert numbers(pictures, 8, seed=2, epoch=1) != first


@pytest.mark.parametrize("augment", [BASIC, STRONG])
def test_how_a_picture_is_changed_does_not_depend_on_the_batch_size(augment):
    pictures = halves(24)

    def by_content(batch_size: int) -> set[bytes]:
        batches = train_batches(pictures, augment, 2, batch_size, seed=3, epoch=5)
        return {
            crop.tobytes() + target.tobytes()
            for crops, targets in batches
            for crop, target in zip(crops, targets, strict=True)
        }

    assert by_content(4) == by_content(12)
    assert len(by_content(4)) == 24


@pytest.mark.parametrize("first_step", [0, 1, 4, 5])
def test_from_a_later_step_on_the_batches_are_those_of_the_whole_epoch(first_step):
    def batches(first_step: int) -> list[bytes]:
        made = train_batches(halves(24), STRONG, 2, 5, seed=3, epoch=5, first_step=first_step)
        return [crops.tobytes() + targets.tobytes() for crops, targets in made]

    assert batches(first_step) == batches(0)[first_step:]


@pytest.mark.parametrize("batch_size", [1, 300])
def test_several_threads_make_the_same_batches_in_the_same_order(batch_size):
    pictures = halves(1000, 32)

    def batches(threads: int) -> list[bytes]:
        made = train_batches(pictures, STRONG, 2, batch_size, seed=3, epoch=5, threads=threads)
        return [crops.tobytes() + targets.tobytes() for crops, targets in made]

    assert batches(3) == batches(1)


def test_no_thread_outlives_an_epoch_that_is_left_before_its_end():
    before = threading.active_count()
    with closing(train_batches(halves(1000, 32), BASIC, 2, 10, seed=0, epoch=1, threads=2)) as batches:
        next(batches)
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


def epoch_digest() -> str:
    """The digest of all that an epoch of every augmentation gives."""
    digest = sha256()
    for crops, targets in train_batches(halves(48, 16), STRONG, 2, 8, seed=1, epoch=2):
        digest.update(crops.tobytes() + targets.tobytes())
    return digest.hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "4"])
def test_the_bytes_are_the_same_for_any_number_of_threads(threads):
    code = "from tests.data.test_batches import epoch_digest; print(epoch_digest())"
    variables = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **dict.fromkeys(variables, threads)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == epoch_digest()


def test_plain_batches_are_all_pictures_in_order_and_the_last_is_filled_up():
    pictures = halves(10)
    batches = list(plain_batches(pictures, 4, mirrored=False))
    assert {views.shape for views in batches} == {(1, 4, 3, 8, 8)}
    every = np.concatenate(batches, axis=1)[0].transpose(0, 2, 3, 1)
    assert np.array_equal(every[:10], pictures.crops())
    assert every.shape[0] == 12
    assert not every[10:].any()


def test_mirrored_each_batch_has_the_mirror_images_as_a_second_view():
    for own, mirrored in plain_batches(halves(10), 4, mirrored=True):
        assert np.array_equal(mirrored, own[..., ::-1])


def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path):
    count, size = 1000, 128
    area = 3 * size**2
    pictures = DecodedPictures(
        size=size,
        pixels=np.memmap(tmp_path / "pixels", np.uint8, mode="w+", shape=(count * area + SPARE,)),
        offsets=np.arange(count + 1) * area,
        heights=np.full(count, size),
        widths=np.full(count, size),
        labels=np.zeros(count, np.int64),
        ids=np.arange(count, dtype=np.uint64),
    )
    next(train_batches(pictures, BASIC, 2, 16, seed=0, epoch=1))  # compiles, which takes memory of its own
    tracemalloc.start()
    try:
        shown = sum(views.shape[1] for views in plain_batches(pictures, 16, mirrored=False))
        shown += sum(len(crops) for crops, _ in train_batches(pictures, BASIC, 2, 16, 0, 2, threads=2))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shown > 1900
    assert peak < count * area / 5


@pytest.mark.slow
def test_batches_come_faster_than_ten_thousand_pictures_a_second():
    pictures = halves(4000, size=32)
    best = 0.0
    for epoch in range(3):
        started = time.perf_counter()
        shown = sum(len(labels) for _, labels in train_batches(pictures, BASIC, 2, 64, seed=0, epoch=epoch))
        best = max(best, shown / (time.perf_counter() - started))
    assert best > 10_000
