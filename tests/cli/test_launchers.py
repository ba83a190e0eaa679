"""Sweeps through launchers other than the default one, on real clusters of this machine."""

import importlib.util
from contextlib import suppress

import psutil
import pytest

from tests.cli.background import BEGUN
from tests.cli.conftest import SMALL
from tests.cli.store import runs
from tests.clusters import (
    kill_family,
    needs_mounts,
    needs_ray,
    needs_slurm,
    ray_node_apart,
    ray_nodes,
    wait_for,
)

pytestmark = pytest.mark.service

needs_submitit = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="submitit is not installed: uv sync --extra submitit"
)


def assert_whole(folder, jobs):
    parent, *children = runs(folder)
    assert len(children) == jobs
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert len({run.data.params["train.seed"] for run in children}) == jobs


@needs_submitit
def test_local_processes(installed, tmp_path):
    done = installed("-m", "hydra/launcher=local_processes", *SMALL, "train.seed=1,2")
    assert done.returncode == 0, done.stderr
    assert_whole(tmp_path, jobs=2)


@needs_slurm
def test_slurm(installed, tmp_path, slurm):
    done = installed("-m", "hydra/launcher=slurm", *SMALL, "train.seed=1,2,3", SLURM_CONF=slurm / "slurm.conf")
    assert done.returncode == 0, done.stderr
    assert_whole(tmp_path, jobs=3)
    log = slurm / "slurmctld.log"
    wait_for(lambda: log.read_text().count("WEXITSTATUS 0") == 3, "Slurm's note of its jobs' ends", 20)


@needs_ray
@needs_mounts
@pytest.mark.timeout(600)
def test_a_ray_node_that_shares_nothing_is_lost_and_its_job_goes_on(tmp_path, begin, environment, monkeypatch):
    words = [*SMALL, "train.epochs=100", "train.seed=1,2"]  # a job for each node
    with (
        ray_nodes(monkeypatch, 1) as cluster,
        (tmp_path / "output").open("w") as output,
        ray_node_apart(cluster, tmp_path / "outputs", tmp_path / "cache") as node,
    ):
        address = {**environment, "RAY_ADDRESS": cluster.address}
        sweep = begin("-m", "hydra/launcher=ray_cluster", *words, env=address, stdout=output, stderr=output)
        apart = lambda: {state.parent.name for state in tmp_path.glob(f"cache/**/{BEGUN[8:]}")}  # noqa: E731
        wait_for(lambda: sweep.poll() is not None or bool(apart()), "a job on the node apart", 300)
        assert sweep.poll() is None, (tmp_path / "output").read_text()
        (training,) = apart()
        wait_for(
            lambda: any((tmp_path / "outputs" / "unfinished" / training).glob("state-*")), "its state at home", 120
        )
        kill_family(node)
        assert sweep.wait(400) == 0, (tmp_path / "output").read_text()
    assert_whole(tmp_path, jobs=2)
    logs = [log.read_text() for log in tmp_path.glob("outputs/runs/*/*/*/run.log")]
    assert sum("going on after epoch" in log for log in logs) == 1


@needs_ray
@pytest.mark.timeout(600)
def test_one_command_trains_with_two_workers_and_goes_on_when_one_is_lost(tmp_path, begin, environment, ray_cluster):
    words = ["hydra/launcher=ray_cluster", "hardware.workers=2", *SMALL, "train.epochs=40"]
    address = {**environment, "RAY_ADDRESS": ray_cluster.address}
    with (tmp_path / "output").open("w") as output:
        lost = begin(*words, "hydra.sweep.dir=outputs/lost", env=address, stdout=output, stderr=output)
        wait_for(lambda: lost.poll() is not None or any(tmp_path.glob(BEGUN)), "an epoch", 300)
        assert lost.poll() is None, (tmp_path / "output").read_text()
        log = str(tmp_path / "outputs" / "lost" / "0" / "1" / "run.log")
        (worker,) = (each for each in psutil.process_iter() if log in opened(each))
        worker.kill()
        assert lost.wait(300) == 0, (tmp_path / "output").read_text()
    assert "going on after epoch" in (tmp_path / "outputs" / "lost" / "0" / "run.log").read_text()
    assert {run.info.status for run in runs(tmp_path)} == {"FINISHED"}
    assert sum("params_sha256" in run.data.tags for run in runs(tmp_path)) == 1


def opened(process):
    """The files that a process has open."""
    with suppress(psutil.Error):
        return [file.path for file in process.open_files()]
    return []
