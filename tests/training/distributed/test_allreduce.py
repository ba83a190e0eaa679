"""Devices put together what they computed: tested with the processor's contexts as devices."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import DecodedPictures
from catdog_exp.mx import mx
from catdog_exp.networks.cnn import Cnn
from catdog_exp.training import devices
from catdog_exp.training.checkpoint import load_checkpoint
from catdog_exp.training.config import HardwareConfig
from catdog_exp.training.distributed.allreduce import AllReduce
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.loop import train
from tests.learnable import halves, short

PLAIN = Cnn(layers=2, width=4, dense=[8], batch_norm=False, dropout=0.0)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_sum_is_over_all_contexts_each_time_anew(device, count):
    contexts = [mx.cpu(number) for number in range(count)]
    total = mx.nd.zeros(5)
    kinds: list[Any] = [SimpleNamespace(device_type=device)] * count
    exchange = AllReduce(total, kinds, ProcessGroup())
    for factor in (1, 10):
        exchange.add_up(
            [mx.nd.full(5, factor * (number + 1), ctx=place) for number, place in enumerate(contexts)], total
        )
        assert total.asnumpy().tolist() == [factor * sum(range(1, count + 1))] * 5


def test_all_arrays_come_to_the_first_context_in_order():
    exchange = AllReduce(mx.nd.zeros(2), [mx.cpu(0)], ProcessGroup())
    found = exchange.of_all([mx.nd.full(2, number, ctx=mx.cpu(number)) for number in range(3)])
    assert [array.asnumpy().tolist() for array in found] == [[0, 0], [1, 1], [2, 2]]
    assert {array.context for array in found} == {mx.cpu(0)}


def trained(folder, pictures: tuple[DecodedPictures, DecodedPictures], **changes: Any) -> dict[str, np.ndarray]:
    hardware = HardwareConfig("auto", 15, None, gpus=2)
    augment = AugmentConfig(flip="random")
    run = train(
        PLAIN, short(**changes), augment, hardware, "val/accuracy", *pictures, ["cat", "dog"], folder, lambda *_: None
    )
    return load_checkpoint(run.last).parameters


@pytest.mark.parametrize("average", [None, 0.9])
def test_two_devices_train_what_one_trains(tmp_path, monkeypatch, caplog, average):
    # Without normalization a batch of 15, and its two parts of 8 and 7, are the same sums, but for rounding.
    pictures = (halves(60), halves(20, seed=1))
    caplog.set_level("INFO")
    monkeypatch.setattr(devices, "context", lambda _device, _cards: SimpleNamespace(device_type="gpu"))
    monkeypatch.setattr(devices, "side_by_side", lambda _place, _slices, _cards: [mx.cpu(0)])
    one = trained(tmp_path / "one", pictures, average=average)
    monkeypatch.setattr(devices, "side_by_side", lambda _place, _slices, gpus: [mx.cpu(n) for n in range(gpus)])
    two = trained(tmp_path / "two", pictures, average=average)
    assert sum("in no fixed order" in record.message for record in caplog.records) == 2  # once for each training
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=1e-3, atol=1e-5, err_msg=name)
