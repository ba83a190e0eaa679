import time

import pytest

from catdog_exp.tracking import system_metrics
from catdog_exp.tracking.record import read_record
from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run

CPU = "system/cpu_utilization_percentage"


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Samples come quickly, each logged by itself."""
    monkeypatch.setattr(system_metrics, "INTERVAL", 0.05)
    monkeypatch.setattr(system_metrics, "TOGETHER", 1)


def until(condition):
    last = time.monotonic() + 20
    while not condition() and time.monotonic() < last:
        time.sleep(0.05)
    return condition()


def test_the_load_of_the_machine_is_logged_by_time_and_after_the_objective(ready):
    config = ready()
    with start_run(config, "run", {}) as log:
        time.sleep(0.5)
        assert CPU not in logged(config, log.run_id).data.metrics
        log.metrics({"val/loss": 0.5}, 1, {"objective": 0.5})
        log.has_epochs = True
        assert until(lambda: CPU in logged(config, log.run_id).data.metrics)
    run = logged(config, log.run_id)
    assert next(iter(run.data.metrics)) == "objective"  # what MLflow compares runs by
    assert 0 < run.data.metrics["system/system_memory_usage_percentage"] < 100
    points = open_store(config).client.get_metric_history(log.run_id, CPU)
    assert len(points) > 3
    assert all(run.info.start_time <= point.timestamp <= run.info.end_time for point in points)


def test_a_load_that_cannot_be_seen_or_logged_costs_no_run(ready, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise OSError("no such device")

    monkeypatch.setattr("psutil.virtual_memory", fail)
    with start_run(ready(), "run", {}) as log:
        assert until(lambda: "no such device" in caplog.text)
    monkeypatch.undo()
    monkeypatch.setattr(system_metrics, "INTERVAL", 0.05)
    monkeypatch.setattr("catdog_exp.tracking.run.JournalLog.samples", fail)
    with start_run(ready(), "run", {}) as other:
        time.sleep(0.3)
    assert [logged(ready(), each.run_id).info.status for each in (log, other)] == ["FINISHED"] * 2


def test_figures_of_a_run_are_read_back_without_the_load(ready, tmp_path):
    (tmp_path / "config.yaml").write_text("{}")
    (tmp_path / "overrides.yaml").write_text("[]")
    with start_run(ready(), "run", {}) as log:
        for name in ("config.yaml", "overrides.yaml"):
            log.artifact(tmp_path / name, "config")
        log.metrics({"val/loss": 0.5}, 1)
        log.samples([(time.time(), {CPU: 50.0})])
    record = read_record(open_store(ready()), logged(ready(), log.run_id), tmp_path / "downloads")
    assert record.metrics == {"val/loss": 0.5}
