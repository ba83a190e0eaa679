"""How a machine is shared out among a sweep's jobs."""

import os
import sys

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sweeps.places import jobs_at_once, places, share
from catdog_exp.training.config import HardwareConfig

CORES = len(os.sched_getaffinity(0))


def test_as_many_jobs_at_once_as_the_cores_allow():
    assert jobs_at_once(None, None) == CORES
    assert jobs_at_once(None, CORES) == 1
    assert jobs_at_once(3, CORES) == 3


def test_the_cores_are_shared_out():
    processor = HardwareConfig("cpu", 64, None)
    assert share(processor, 0, CORES) == {"OMP_NUM_THREADS": "1"}
    assert share(processor, 0, 1) == {"OMP_NUM_THREADS": str(CORES)}
    assert share(HardwareConfig("cpu", 64, 1), 0, 1) == {"OMP_NUM_THREADS": "1"}


def test_a_job_gets_a_card_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    gpu = HardwareConfig("gpu", 64, None)
    assert [share(gpu, place, 2)["CUDA_VISIBLE_DEVICES"] for place in (0, 1)] == ["2", "5"]
    assert "CUDA_VISIBLE_DEVICES" not in share(HardwareConfig("gpu", 64, None, gpus=2), 0, 2)
    assert "CUDA_VISIBLE_DEVICES" not in share(HardwareConfig("cpu", 64, None), 0, 2)


@pytest.mark.parametrize(
    ("where", "settings", "package"),
    [
        ("slurm", {"array_parallelism": 2}, "submitit"),
        ("ray", {"ray": {"init": {"address": None}, "remote": {}}}, "ray"),
    ],
)
def test_a_cluster_whose_package_is_not_installed_says_how_to_get_it(monkeypatch, where, settings, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"pip install catdog-exp\[{package}\]"):
        places(where, settings, None, [HardwareConfig("cpu", 64, None)])
