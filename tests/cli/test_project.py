"""The file MLproject: `mlflow run` on a checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


@pytest.mark.slow
def test_mlflow_run_gets_a_whole_run_even_of_what_is_trained_already(finished, tmp_path, environment):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    (first,) = runs(folder)
    here = Path(sys.executable).parent
    words = " ".join([*SMALL, f"'paths.outputs={folder}/outputs'"])
    flags = ["--env-manager", "local", "--experiment-name", "catdog", "-P", f"overrides={words}"]
    done = subprocess.run(
        [here / "mlflow", "run", Path(__file__).parents[2], *flags],
        cwd=tmp_path,
        env={
            **environment,
            "PATH": f"{here}:{environment['PATH']}",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/outputs/mlflow.db",
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, run = runs(folder)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.project.entryPoint"] == "main"
    for key in ("params_sha256", "fingerprint", "objective"):
        assert run.data.tags[key] == first.data.tags[key]
    key = "val/loss"
    before, after = (client(folder).get_metric_history(each.info.run_id, key) for each in (first, run))
    assert [point.value for point in after] == [point.value for point in before]
    assert len(after) == 2
