"""How a machine is shared out among a sweep's jobs."""

import os

import pytest

from catdog_exp.sweeps.slots import Slot, jobs_at_once, slot
from catdog_exp.training.config import HardwareConfig

CORES = len(os.sched_getaffinity(0))


def test_as_many_jobs_at_once_as_the_cores_allow():
    assert jobs_at_once(None, None) == CORES
    assert jobs_at_once(None, CORES) == 1
    assert jobs_at_once(3, CORES) == 3


def test_the_cores_are_shared_out():
    processor = HardwareConfig("cpu", 64, None)
    assert Slot(0, CORES).environment(processor) == {"OMP_NUM_THREADS": "1"}
    assert Slot(0, 1).environment(processor) == {"OMP_NUM_THREADS": str(CORES)}
    assert Slot(0, 1).environment(HardwareConfig("cpu", 64, 1)) == {"OMP_NUM_THREADS": "1"}


def test_a_job_gets_a_card_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    gpu = HardwareConfig("gpu", 64, None)
    assert [Slot(number, 2).environment(gpu)["CUDA_VISIBLE_DEVICES"] for number in (0, 1)] == ["2", "5"]
    assert "CUDA_VISIBLE_DEVICES" not in Slot(0, 2).environment(HardwareConfig("gpu", 64, None, gpus=2))
    assert "CUDA_VISIBLE_DEVICES" not in Slot(0, 2).environment(HardwareConfig("cpu", 64, None))


def test_a_cluster_shares_its_machines_out_by_itself(monkeypatch):
    processor = HardwareConfig("cpu", 64, None)
    assert Slot(0, None).environment(processor) == {}
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert Slot(0, None).environment(processor) == {"OMP_NUM_THREADS": "3"}


@pytest.mark.parametrize("at_once", [1, 2])
def test_no_place_is_given_twice(tmp_path, at_once):
    held = [slot(tmp_path, at_once) for _ in range(at_once)]
    assert {place.__enter__().number for place in held} == set(range(at_once))
    held[0].__exit__(None, None, None)
    with slot(tmp_path, at_once) as free:
        assert free.number == 0
    for place in held[1:]:
        place.__exit__(None, None, None)
