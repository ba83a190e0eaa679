import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from catdog_exp.errors import UserError
from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run

LONG_RUN = """
import signal, sys, time
from catdog_exp.tracking.config import TrackingConfig
from tests.tracking.starting import start_run
class Terminated(BaseException): pass
def terminate(*_): raise Terminated
signal.signal(signal.SIGTERM, terminate)
config = TrackingConfig(enabled=True, uri=sys.argv[1], experiment="cats", artifacts=None, parent_run=None)
with start_run(config, "long", {}) as log:
    print(log.run_id, flush=True)
    time.sleep(120)
"""


def test_all_that_is_logged_can_be_read_back(ready, tmp_path):
    config = ready()
    (tmp_path / "curves.png").write_bytes(b"picture")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("bytes")
    with start_run(config, "first", {"fingerprint": "abc"}) as log:
        log.params({"train.lr": 0.1, "train.patience": None, "classes": ["cat", "dog"]})
        log.metrics({"val/accuracy": 0.5, "val/loss": 0.7}, step=0)
        log.metrics({"val/accuracy": 0.6, "val/loss": float("nan")}, step=1)
        log.tags({"objective": "val/accuracy"})
        log.artifact(tmp_path / "curves.png")
        log.artifact(tmp_path / "curves.png", "pictures")
        log.artifact(tmp_path / "model")
        assert logged(config, log.run_id).info.status == "RUNNING"
    run = logged(config, log.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "first"
    assert run.info.end_time >= run.info.start_time
    assert run.data.params == {"train.lr": "0.1", "train.patience": "null", "classes": "['cat', 'dog']"}
    assert run.data.tags["objective"] == "val/accuracy"
    assert run.data.tags["fingerprint"] == "abc"
    history = open_store(config).client.get_metric_history(log.run_id, "val/accuracy")
    assert [(point.step, point.value) for point in history] == [(0, 0.5), (1, 0.6)]
    files = tmp_path / "store" / "artifacts" / log.run_id / "artifacts"
    assert sorted(str(file.relative_to(files)) for file in files.rglob("*") if file.is_file()) == [
        "curves.png",
        "model/weights",
        "pictures/curves.png",
    ]
    assert log.run_id[:8] in log.link


def test_one_steps_metrics_bear_one_time(ready):
    config = ready()
    with start_run(config, "run", {}) as log:
        log.metrics({f"m{i}": float(i) for i in range(20)}, step=3)
    client = open_store(config).client
    points = [client.get_metric_history(log.run_id, f"m{i}")[0] for i in range(20)]
    assert len({point.timestamp for point in points}) == 1
    assert {point.step for point in points} == {3}


def test_an_epoch_is_logged_in_well_under_50_ms(ready):
    values = dict.fromkeys(("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "speed"), 0.5)
    with start_run(ready(), "run", {}) as log:
        log.metrics(values, step=0)
        times = []
        for step in range(1, 16):
            started = time.process_time()  # others may run beside this test
            log.metrics(values, step=step)
            times.append(time.process_time() - started)
    assert sorted(times)[len(times) // 2] < 0.05


def test_more_parameters_than_one_call_takes_and_longer_ones_than_fit(ready):
    config = ready()
    with start_run(config, "run", {"overrides": "y" * 9000}) as log:
        log.params({**{f"p{i}": i for i in range(250)}, "long": "x" * 7000, "fits": "x" * 6000})
    run = logged(config, log.run_id)
    assert len(run.data.params) == 252
    assert run.data.params["fits"] == "x" * 6000
    assert len(run.data.params["long"]) == 6000
    assert run.data.params["long"].endswith("(cut, 7000 characters)")
    assert run.data.tags["overrides"].endswith("(cut, 9000 characters)")


def test_both_sides_of_one_pack_stand_among_the_inputs_with_our_digest(ready):
    config = ready()
    with start_run(config, "run", {}) as log:
        log.dataset("synthetic", "0123abcd", "/packs/0123abcd", "training", {"pictures": 960})
        log.dataset("synthetic", "0123abcd", "/packs/0123abcd", "validation", {"pictures": 240})
    found = {
        entry.tags[0].value: (entry.dataset.name, entry.dataset.digest, json.loads(entry.dataset.profile))
        for entry in logged(config, log.run_id).inputs.dataset_inputs
    }
    assert found == {
        "training": ("synthetic/training", "0123abcd", {"pictures": 960}),
        "validation": ("synthetic/validation", "0123abcd", {"pictures": 240}),
    }
    entry = logged(config, log.run_id).inputs.dataset_inputs[0]
    import mlflow.data

    assert mlflow.data.get_source(entry).uri == "/packs/0123abcd"


def test_an_error_ends_the_run_failed_and_is_kept(ready, tmp_path):
    config = ready()
    with pytest.raises(ZeroDivisionError), start_run(config, "run", {}) as log:
        1 / 0  # noqa: B018
    run = logged(config, log.run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "ZeroDivisionError: division by zero"
    text = (tmp_path / "store" / "artifacts" / log.run_id / "artifacts" / "error.txt").read_text()
    assert text.startswith("Traceback")
    assert "1 / 0" in text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("data.root=x: no such folder"), "data.root=x: no such folder"),
        (
            RuntimeError("Traceback (most recent call last):\n  File x\nMXNetError: no memory\n"),
            "RuntimeError: MXNetError: no memory",
        ),
        (ValueError("first\nsecond"), "ValueError: first"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_tag_error_is_one_line(ready, error, line):
    config = ready()
    with pytest.raises(type(error)), start_run(config, "run", {}) as log:
        raise error
    assert logged(config, log.run_id).data.tags["error"] == line


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_is_no_error_ends_the_run_killed(ready, stop):
    config = ready()
    with pytest.raises(stop), start_run(config, "run", {}) as log:
        raise stop
    run = logged(config, log.run_id)
    assert run.info.status == "KILLED"
    assert run.info.end_time is not None
    assert "error" not in run.data.tags


@pytest.mark.parametrize(
    "signals",
    [
        [signal.SIGTERM],
        pytest.param([signal.SIGINT], marks=pytest.mark.slow),
        pytest.param([signal.SIGINT] * 3 + [signal.SIGTERM], marks=pytest.mark.slow),
    ],
)
def test_signals_end_the_run_killed_however_often_they_come(ready, signals):
    config = ready()
    open_store(config)
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, config.uri],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.005)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert logged(config, run_id).info.status == "KILLED"


def test_nothing_of_mlflows_is_printed_though_the_store_is_made(tracking):
    code = LONG_RUN.replace("    time.sleep(120)\n", "")
    outcome = subprocess.run([sys.executable, "-c", code, tracking().uri], capture_output=True, text=True, check=True)
    assert outcome.stderr == ""
    assert len(outcome.stdout.split()) == 1


def test_a_run_that_logs_nothing_takes_everything_and_makes_nothing(tracking, tmp_path):
    config = tracking(enabled=False)
    with start_run(config, "run", {"a": "b"}) as log:
        log.params({"a": 1})
        log.metrics({"a": 1.0}, step=0)
        log.tags({"a": "b"})
        log.artifact(tmp_path / "missing")
        log.dataset("pack", "abc", "/x", "training", {})
        log.finish_children()
        log.settle()
        assert log.run_id is None
        assert "not logged" in log.link
    assert list(tmp_path.iterdir()) == []


def test_what_a_store_refuses_costs_a_run_one_line(ready, caplog):
    config = ready()
    with start_run(config, "run", {}) as log:
        log.params({"lr": 0.1})
        log.params({"lr": 0.2})
        log.params({"epochs": 3})
    run = logged(config, log.run_id)
    assert (run.info.status, run.data.params) == ("FINISHED", {"lr": "0.1", "epochs": "3"})
    (line,) = caplog.messages
    assert line.startswith(f"params of run {log.run_id} cannot be logged: ")
    assert "\n" not in line


def test_runs_side_by_side_may_log_the_same_dataset_at_once(ready):
    config = ready()
    at_once = threading.Barrier(4)

    def one_run(_: int) -> str | None:
        with start_run(config, "run", {}) as log:
            for number in range(12):
                at_once.wait(timeout=60)
                log.dataset("pack", f"digest{number}", "/packs/digest", "training", {})
        return log.run_id

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(one_run, range(4)))
    assert [len(logged(config, run_id).inputs.dataset_inputs) for run_id in ids] == [12] * 4


def test_what_is_hurried_is_sent_while_the_run_does_other_things(ready):
    config = ready()
    with start_run(config, "run", {}) as log:
        log.figures({"objective/mean": 0.5})
        log.hurry()
        until = time.monotonic() + 1.5  # in less time than passes between two looks at the journal
        while time.monotonic() < until and not logged(config, log.run_id).data.metrics:
            time.sleep(0.05)
        assert logged(config, log.run_id).data.metrics == {"objective/mean": 0.5}
