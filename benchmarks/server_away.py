"""Whether a tracking server that is away in the middle of runs costs anything of their histories.

Each run logs to an MLflow server of its own, which is killed while it trains and started again later; every other run
is killed meanwhile too, and repeated. Its history is then compared, point by point, with that of the same run in an
embedded store that nothing disturbed. Ends with an error where a point is missing, doubled or other. Stands alone:
there is no peer.

    uv run python benchmarks/server_away.py [runs] [seconds away] [epochs]
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catdog_exp.tracking.preparing import prepare_mlflow

COMMAND = Path(sys.executable).with_name("catdog")
WORDS = ["data.source.count=60", "data.resize=16", "model.width=4", "model.layers=2", "train.lr=0.001"]
OF_TIME = ("images_per_second", "pack/images_per_second")  # no two runs have these values alike
OF_THE_MACHINE = ("time/", "system/")  # nor these points, by the start of their names
PATIENCE = 600  # seconds


def wait_until(what: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    last = time.monotonic() + PATIENCE
    while not what():
        if process.poll() is not None or time.monotonic() > last:
            raise SystemExit(f"{process.args!r} ended with {process.poll()} before its time")
        time.sleep(0.1)


class Server:
    """An MLflow server that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._folder = folder

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            start_new_session=True,
        )
        wait_until(self._answers, self._process)

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def histories(uri: str) -> dict[str, list[tuple[int, float]]]:
    """By metric, the steps and values of the one run there."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("catdog")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED", run.info.status
    keys = [key for key in run.data.metrics if not key.startswith(OF_THE_MACHINE)]
    found = {key: client.get_metric_history(run.info.run_id, key) for key in keys}
    return {key: [(point.step, point.value) for point in points] for key, points in found.items()}


def disturbed(folder: Path, words: list[str], away: float, kill: bool) -> dict[str, list[tuple[int, float]]]:
    with serving(folder) as server:
        command = [str(COMMAND), *words, f"tracking.uri={server.uri}"]
        with (folder / "log").open("ab") as log:
            run = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            wait_until(lambda: len(list(folder.glob("outputs/unfinished/*/state-*"))) > 1, run)
            server.stop()
            time.sleep(away / 2)
            if run.poll() is not None:
                raise SystemExit("the run had ended before its server was back: give more epochs")
            if kill:
                run.kill()
            time.sleep(away / 2)
            server.start()
            code = run.wait(PATIENCE)
            if kill:
                code = subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=False).returncode
        assert code == 0, (folder / "log").read_text()
        assert not list(folder.glob("outputs/unsent/*.jsonl"))
        return histories(server.uri)


def main() -> None:
    runs, away, epochs = [*map(int, sys.argv[1:]), *(10, 60, 2000)[len(sys.argv) - 1 :]]
    prepare_mlflow()
    for number in range(runs):
        words, kill = [*WORDS, f"train.seed={number}", f"train.epochs={epochs}"], number % 2 == 1
        with tempfile.TemporaryDirectory() as aside, tempfile.TemporaryDirectory() as folder:
            subprocess.run([COMMAND, *words], cwd=aside, check=True, capture_output=True)
            wanted = histories(f"sqlite:///{aside}/outputs/mlflow.db")
            found = disturbed(Path(folder), words, away, kill)
        assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
        for key, points in wanted.items():
            assert [step for step, _ in found[key]] == [step for step, _ in points], key
            assert key in OF_TIME or found[key] == points, key
        how = "away for {} s{}".format(away, ", the run killed meanwhile and repeated" if kill else "")
        print(f"run {number + 1}: {how}: all {sum(map(len, wanted.values())):,} points, each once", flush=True)


if __name__ == "__main__":
    main()
