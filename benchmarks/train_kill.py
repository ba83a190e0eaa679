"""Trainings that are killed at random moments, against one that is left alone: the final parameters must be equal.

    uv run python benchmarks/train_kill.py [--kills 100]

A small run of the installed command is started, killed (SIGKILL, the whole process group) at a random moment, and the
same command is given again, until so many kills are done. One kill in four comes at any moment from the command's
start on, the others shortly after the run has saved a state. A run that ends before its kill is followed by one with
another seed. Each seed's digest is compared with that of a run that was never killed, and so are its metrics at
MLflow, step by step. Exit code 1 where any differs.
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
from typing import Any

SMALL = [
    "data.source.count=240",
    "data.resize=16",
    "model.layers=2",
    "model.width=8",
    "train.epochs=60",
    "train.average=0.9",
    "train.checkpoint_minutes=0",
    "train/optimizer=nesterov",
    "train.lr=0.02",
    "hardware.batch_size=2",  # 96 batches in an epoch: states are saved within epochs too
    "stages=[pack,train,evaluate]",
]
START = 6.0  # seconds in which a run has begun to train, on most machines
TIMED = {"images_per_second", "pack/images_per_second"}
CATDOG = Path(sys.executable).with_name("catdog")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    kills = parser.parse_args().kills
    draw = random.Random(0)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CATDOG_", "MLFLOW_"))}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done, seed, equal, compared = 0, 0, 0, 0
        while done < kills:
            words = [*SMALL, f"train.seed={seed}"]
            while done < kills:
                took = kill_once(words, folder, environment, draw)
                if not took:
                    break
                done += 1
            run(words, folder, environment)  # to its end; where the last one came to it, a second run of the seed
            alone = run([*words, "train.resume=false", "tracking.experiment=alone"], folder, environment)
            assert alone == 0
            compared += 1
            equal += same(folder, seed)
            print(f"seed {seed}: {done} kills so far, {equal} of {compared} seeds equal", flush=True)
            seed += 1
        print(f"{done} kills in {compared} trainings: {equal} ended with the digest and the metrics of one left alone")
    sys.exit(equal != compared)


def kill_once(words: list[str], folder: Path, environment: dict[str, str], draw: random.Random) -> bool:
    """Start the run and kill it at a random moment; False when it had ended before."""
    process = start(words, folder, environment)
    if draw.random() < 1 / 4:
        time.sleep(draw.uniform(0, START))
    else:
        states = set(folder.glob("outputs/unfinished/*/state-*"))
        while process.poll() is None and set(folder.glob("outputs/unfinished/*/state-*")) <= states:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 1.5))
    if process.poll() is not None:
        assert process.returncode == 0
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def run(words: list[str], folder: Path, environment: dict[str, str]) -> int:
    return start(words, folder, environment).wait()


def start(words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [CATDOG, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def same(folder: Path, seed: int) -> bool:
    """Whether all runs of the seed have the digest and the metrics, step by step, of the one left alone."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    found: list[tuple[Any, ...]] = []
    for experiment in ("catdog", "alone"):
        own = client.get_experiment_by_name(experiment)
        assert own is not None
        runs = client.search_runs([own.experiment_id], f"params.`train.seed` = '{seed}'")
        for each in runs:
            if each.info.status != "FINISHED":
                return False
            history = {
                key: [(entry.step, entry.value) for entry in client.get_metric_history(each.info.run_id, key)]
                for key in sorted(each.data.metrics.keys() - TIMED)
            }
            found.append((each.data.tags["params_sha256"], history))
    return all(one == found[0] for one in found)


if __name__ == "__main__":
    main()
