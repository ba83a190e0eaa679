"""A sweep whose whole process tree is killed again and again, against one that is left alone.

    uv run python benchmarks/sweep_kill.py [--kills 20]

Six jobs. The command is started, killed with SIGKILL (every process of it) at a random moment, and started again, until
the sweep has come to its end; then anew in an empty folder, until there are as many kills as `--kills` says. Each sweep
must then hold six finished runs, no seventh, none that is open, with the digests of the undisturbed sweep.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

CATDOG = Path(sys.executable).with_name("catdog")
SIX = ["-m", "data.source.count=200", "data.resize=16", "model.width=8", "model.layers=1,2", "train.seed=0,1,2"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    words = [*SIX, f"train.epochs={chosen.epochs}"]
    moments = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        finish(words, folder)
        seconds = time.monotonic() - started
        wanted = digests(folder)
    print(f"undisturbed: {len(wanted)} runs in {seconds:.0f} s")
    kills = sweeps = 0
    while kills < chosen.kills:
        with tempfile.TemporaryDirectory() as folder:
            own = 0
            while kills < chosen.kills and killed(words, folder, moments.uniform(0.5, seconds * 0.6)):
                kills += 1
                own += 1
            finish(words, folder)
            found = digests(folder)
        sweeps += 1
        equal = found == wanted
        print(f"sweep {sweeps}: {own} kills, {len(found)} runs, {'equal' if equal else 'NOT EQUAL'}", flush=True)
        if not equal:
            sys.exit(f"wanted {wanted}, found {found}")
    print(f"{kills} kills in {sweeps} sweeps: all equal to the undisturbed one, no run more or less, none open")


def killed(words: list[str], folder: str, seconds: float) -> bool:
    """Whether the command had to be killed after so many seconds, or had come to its end."""
    process = start(words, folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            try:
                os.kill(member.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        return True
    return False


def finish(words: list[str], folder: str) -> None:
    if start(words, folder).wait() != 0:
        sys.exit("the sweep ended with an error")


def start(words: list[str], folder: str) -> subprocess.Popen[bytes]:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_", "OMP_"))
    }
    return subprocess.Popen(
        [CATDOG, *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def digests(folder: str) -> list[tuple[str, str, str]]:
    """Fingerprint, status and digest of every run, the sweep's own aside."""
    from catdog_exp.tracking.preparing import prepare_mlflow

    prepare_mlflow()
    from mlflow import MlflowClient

    store = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = store.get_experiment_by_name("catdog")
    assert experiment is not None
    runs = [run for run in store.search_runs([experiment.experiment_id]) if "sweep" not in run.data.tags]
    return sorted(
        (run.data.tags["fingerprint"], run.info.status, run.data.tags.get("params_sha256", "")) for run in runs
    )


if __name__ == "__main__":
    main()
