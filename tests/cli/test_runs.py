"""`catdog runs`."""

import shutil
import time

import pytest

from catdog_exp.tracking.heartbeat import HOST
from tests.cli.background import BEGUN, kill_all, wait_until
from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


def rows(done) -> dict[str, list[str]]:
    """The table's lines by the id that each starts with, split where two spaces are."""
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["run", "status", "objective", "started", "took", "sweep", "name"]
    return {line.split()[0]: line.split(maxsplit=3) for line in lines}


def add(folder, name, started, **tags):
    """A run that another process may have left, which started so many seconds before the present."""
    store = client(folder)
    found = store.get_experiment_by_name("catdog")
    at = int((time.time() - started) * 1000)
    return store.create_run(found.experiment_id, start_time=at, tags=tags, run_name=name).info.run_id


@pytest.fixture
def folder(finished, tmp_path):
    """A folder with one finished run."""
    return shutil.copytree(finished[0], tmp_path / "folder")


def test_runs_are_listed_the_newest_first(folder, catdog):
    (first,) = runs(folder)
    parent = add(folder, "sweep", 10_000, sweep="model.layers=2,3")
    child = add(folder, "model.layers=3", 9_950, **{"mlflow.parentRunId": parent, "pruned": "4"})
    client(folder).set_terminated(child, "KILLED")
    done = catdog("runs", cwd=folder)
    assert done.returncode == 0, done.stderr
    listed = rows(done)
    assert list(listed) == [first.info.run_id[:8], child[:8], parent[:8]]
    assert listed[first.info.run_id[:8]][1:3] == ["finished", f"{first.data.metrics['objective']:.4f}"]
    assert first.info.run_name.startswith("cnn on synthetic, 16 px, count=60 ")
    assert listed[first.info.run_id[:8]][3].endswith(first.info.run_name)
    assert listed[child[:8]][1:3] == ["pruned", "-"]
    assert listed[child[:8]][3].endswith(f"2 h 46 min  {parent[:8]}  model.layers=3")
    assert listed[parent[:8]][1] == "running"
    assert listed[parent[:8]][3].endswith("-         sweep: model.layers=2,3")


def test_as_many_are_listed_as_are_asked_for(folder, catdog):
    newest = [add(folder, f"run {number}", -number) for number in range(3)]
    done = catdog("runs", "--limit", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert list(rows(done)) == [newest[2][:8], newest[1][:8]]
    assert done.stderr == "there are more: --limit 20\n"
    assert len(rows(catdog("runs", "--limit", "4", cwd=folder))) == 4


def test_a_killed_run_is_stale_at_once_and_closed_on_request(folder, catdog, begin):
    words = [*SMALL, "train.epochs=100000"]
    process = begin(*words, cwd=folder)
    wait_until(lambda: list(folder.glob(BEGUN)), process)
    (run,) = (run for run in runs(folder) if run.info.status == "RUNNING")
    name = run.info.run_id[:8]
    assert rows(catdog("runs", cwd=folder))[name][1] == "running"
    assert "no stale runs" in catdog("runs", "--stale", cwd=folder).stdout
    kill_all(process)
    done = catdog("runs", cwd=folder)
    assert rows(done)[name][1] == "stale"
    assert "stale: 1" in done.stderr
    done = catdog("runs", "--stale", cwd=folder)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"closed {name} ({run.info.run_name}): process {process.pid} on {run.data.tags[HOST]}, ")
    assert "silent since 20" in line
    closed = client(folder).get_run(run.info.run_id)
    assert closed.info.status == "KILLED"
    assert 0 <= time.time() - closed.info.end_time / 1000 < 240
    done = catdog("runs", "--stale", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.startswith("no stale runs in the experiment catdog of sqlite:///")
    assert rows(catdog("runs", cwd=folder))[name][1] == "killed"


def test_where_no_runs_are_none_are_listed_and_nothing_is_made(catdog, tmp_path):
    for words in (["runs"], ["runs", "--stale"]):
        done = catdog(*words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("no runs yet in the experiment catdog")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--limit", "0"], "--limit 0: give a whole number"),
        (["--limit", "many"], "--limit many: give a whole number"),
        (["tracking=none"], "tracking.enabled=false"),
        (["all"], "all"),
    ],
)
def test_a_mistake_is_told(catdog, words, told):
    done = catdog("runs", *words)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
