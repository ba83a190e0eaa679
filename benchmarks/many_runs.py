"""How long commands take where the embedded store holds many runs.

    uv run python benchmarks/many_runs.py [--runs 10000] [--repeats 3] [--folder DIR]

Makes one small run, and copies of it in the store (settings, figures, histories, tags, data sets) that differ in their
ids, times, fingerprints and figures. Then it times commands, the median of a few, on that store and on one with the one
run alone. With --folder the store is kept, and used again.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

CATDOG = Path(sys.executable).with_name("catdog")
SMALL = ["data.source.count=60", "data.resize=16", "train.epochs=2", "model.width=4", "model.layers=2"]
COMMANDS = {
    "catdog runs": ["runs"],
    "catdog runs --sort objective": ["runs", "--sort", "objective"],
    "catdog show best": ["show", "best"],
    "a finished command": SMALL,
}
# What stands in a copy in place of what the run has, by table and column; `n` counts the copies, `id` is the copy's.
OWN = {
    "runs": {"start_time": "start_time - n * 60000", "end_time": "end_time - n * 60000", "name": "name || ' ' || n"},
    "params": {},
    "tags": {"value": "CASE key WHEN 'fingerprint' THEN value || n ELSE value END"},
    "metrics": {},
    "latest_metrics": {"value": "CASE key WHEN 'objective' THEN value * (1 - n / 1e6) ELSE value END"},
    "inputs": {"input_uuid": "lower(hex(randomblob(16)))", "destination_id": "id"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = chosen.folder or Path(name)
        alone, many = folder / "alone", folder / "many"
        if not many.is_dir():
            alone.mkdir(parents=True)
            _seconds(alone, SMALL)
            shutil.copytree(alone, many)
            _seconds(many, ["runs"])  # the store follows its folder
            copy(many / "outputs" / "mlflow.db", chosen.runs)
        print(f"{'':30}  1 run    {chosen.runs:,} runs")
        for title, words in COMMANDS.items():
            few, all_of_them = (
                statistics.median(_seconds(place, words) for _ in range(chosen.repeats)) for place in (alone, many)
            )
            print(f"{title:30}  {few:.2f} s   {all_of_them:.2f} s   x {all_of_them / few:.2f}", flush=True)


def copy(database: Path, runs: int) -> None:
    """Copy the store's one run until there are so many."""
    with closing(sqlite3.connect(database)) as store, store:
        store.execute(
            "CREATE TEMP TABLE copies AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) "
            "SELECT n, lower(hex(randomblob(16))) AS id FROM c",
            [runs - 1],
        )
        (first,) = store.execute("SELECT run_uuid FROM runs").fetchone()
        for table, own in OWN.items():
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
            key = "run_uuid" if "run_uuid" in columns else "destination_id"
            values = [own.get(column, "id" if column == "run_uuid" else column) for column in columns]
            store.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
                f"FROM (SELECT * FROM {table} WHERE {key} = ?), copies",
                [first],
            )


def _seconds(folder: Path, words: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run([CATDOG, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"catdog {' '.join(words)}: {done.stderr}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
