"""A sweep whose whole process tree is killed again and again, against one that is left alone.

    uv run --extra optuna python benchmarks/sweep_kill.py [--kills 20] [--search]

Six jobs, or with --search ten trials of TPE, one at a time, of which the median pruner gives some up. The command is
started, killed with SIGKILL (every process of it) at a random moment, and started again, until the sweep has come to
its end; then anew in an empty folder, until there are as many kills as `--kills` says. Each sweep must then hold six
finished runs, no seventh, none that is open, with the digests of the undisturbed sweep; each search its runs, and ten
trials with the values, states and results of the undisturbed one.
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
SEARCH = ["-m", "hydra/sweeper=search", "hydra.sweeper.n_trials=10", "hydra.sweeper.startup_trials=4", "sweep.jobs=1"]
SEARCH += ["data.source.count=200", "data.resize=16", "model.width=4,8,16", "model.layers=1,2", "model.dropout=0.0,0.4"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--search", action="store_true")
    chosen = parser.parse_args()
    words = [*(SEARCH if chosen.search else SIX), f"train.epochs={chosen.epochs}"]
    moments = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        finish(words, folder)
        seconds = time.monotonic() - started
        wanted = [*digests(folder), *trials(folder)]
    print(f"undisturbed: {len(wanted)} results in {seconds:.0f} s", flush=True)
    kills = sweeps = 0
    while kills < chosen.kills:
        with tempfile.TemporaryDirectory() as folder:
            own = 0
            while kills < chosen.kills and killed(words, folder, moments.uniform(0.5, seconds * 0.6)):
                kills += 1
                own += 1
            finish(words, folder)
            found = [*digests(folder), *trials(folder)]
        sweeps += 1
        equal = found == wanted
        print(f"sweep {sweeps}: {own} kills, {len(found)} results, {'equal' if equal else 'NOT EQUAL'}", flush=True)
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


def trials(folder: str) -> list[tuple[str, str, str]]:
    """Values, state and result of every trial; none where nothing was searched."""
    import optuna

    storage = Path(folder) / "outputs" / "optuna.db"
    if not storage.exists():
        return []
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{storage}")
    return sorted((str(sorted(each.params.items())), each.state.name, str(each.values)) for each in study.trials)


if __name__ == "__main__":
    main()
