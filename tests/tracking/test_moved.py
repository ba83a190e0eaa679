"""A store that was moved or copied, and one that belongs to several people."""

import os
import shutil
import subprocess
import sys
from collections import OrderedDict

import pytest

from catdog_exp.tracking.selecting import run_with_network
from catdog_exp.tracking.store import existing_store, open_store
from tests.tracking.starting import start_run


def with_run(config, file):
    """Logs a run with a checkpoint; returns its id."""
    with start_run(config, "run", {"objective": "val/accuracy"}) as log:
        log.metrics({"objective": 0.75}, step=0)
        log.artifact(file, "checkpoints")
    return log.run_id


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree])
def test_a_folder_that_was_moved_or_copied_has_its_runs_files_and_takes_new_ones(
    ready, tracking, tmp_path, monkeypatch, move
):
    file = tmp_path / "best.safetensors"
    file.write_text("weights")
    run_id = with_run(ready(), file)
    old, new = tmp_path / "store", tmp_path / "elsewhere, with a #"
    before = sorted(old.rglob("*"))
    move(old, new)
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._artifact_repos_cache", OrderedDict())  # of a process
    config = tracking(uri=f"sqlite:///{new}/mlflow.db")
    found = run_with_network(existing_store(config), run_id, "val/accuracy", False, tmp_path)
    assert found.checkpoint == new / "artifacts" / run_id / "artifacts" / "checkpoints" / "best.safetensors"
    later = with_run(config, file)
    with start_run(config, "run", {}, resume=run_id) as log:
        log.artifact(file)
    for each, name in ((later, "checkpoints/best.safetensors"), (run_id, "best.safetensors")):
        assert (new / "artifacts" / each / "artifacts" / name).read_text() == "weights"
    assert sorted(old.rglob("*")) == ([] if move is shutil.move else before)


def test_files_that_lie_apart_from_the_store_stay_there(ready, tracking, tmp_path):
    file = tmp_path / "best.safetensors"
    file.write_text("weights")
    run_id = with_run(ready(artifacts=str(tmp_path / "apart")), file)
    shutil.move(tmp_path / "store", tmp_path / "moved")
    config = tracking(uri=f"sqlite:///{tmp_path}/moved/mlflow.db")
    found = run_with_network(open_store(config), run_id, "val/accuracy", False, tmp_path)
    assert found.checkpoint.is_relative_to(tmp_path / "apart")


READ = """
import sys
from pathlib import Path
from catdog_exp.tracking.config import TrackingConfig
from tests.tracking.starting import start_run
from catdog_exp.tracking.run_list import listed_runs
from catdog_exp.tracking.selecting import run_with_network
from catdog_exp.tracking.store import existing_store, tagged_runs
config = TrackingConfig(enabled=True, uri=sys.argv[1], experiment="cats", artifacts=None, parent_run=None)
store = existing_store(config)
(run,) = listed_runs(store, 10)
assert len(tagged_runs(config, "objective")) == 1
print(run_with_network(store, run.run_id, "val/accuracy", False, Path("/nowhere")).checkpoint.read_text())
if sys.argv[2:]:
    with start_run(config, "run", {}, resume=run.run_id) as log:
        log.artifact(Path(sys.argv[2]), "checkpoints")
"""


@pytest.fixture
def colleague(tmp_path):
    """Runs the code above for somebody of root's group, once all in tmp_path belongs to another user of it."""
    person = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can give files to another user, and setpriv its own powers up")

    def read(*words):
        tmp_path.chmod(0o755)
        for entry in (tmp_path, *tmp_path.rglob("*")):
            os.chown(entry, 65534, 0)
        command = [*person, sys.executable, "-c", READ, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return read


def test_reading_needs_no_right_to_write_even_where_the_folder_has_moved(ready, tmp_path, colleague):
    file = tmp_path / "best.safetensors"
    file.write_text("weights")
    with_run(ready(), file)
    shutil.move(tmp_path / "store", tmp_path / "moved")
    (tmp_path / "moved" / "mlflow.db.lock").unlink()
    outcome = colleague(f"sqlite:///{tmp_path}/moved/mlflow.db")
    assert (outcome.returncode, outcome.stdout) == (0, "weights\n"), outcome.stderr
    assert not (tmp_path / "store").exists()
    refused = colleague(f"sqlite:///{tmp_path}/moved/mlflow.db", file)
    assert f"the folder {tmp_path}/moved is read-only" in refused.stderr


def test_a_colleague_of_the_group_can_go_on_with_a_run(tracking, tmp_path, colleague):
    mask = os.umask(0o002)
    try:
        (tmp_path / "store").mkdir(mode=0o2775)
        file = tmp_path / "best.safetensors"
        file.write_text("weights")
        run_id = with_run(tracking(), file)
    finally:
        os.umask(mask)
    outcome = colleague(tracking().uri, file)
    assert outcome.returncode == 0, outcome.stderr
    assert existing_store(tracking()).client.get_run(run_id).info.status == "FINISHED"
