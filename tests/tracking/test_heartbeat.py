"""Runs that live and runs that are dead, told apart."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from catdog_exp.tracking import heartbeat as alive
from catdog_exp.tracking.heartbeat import (
    HEARTBEAT,
    HOST,
    PAUSED,
    PID,
    PID_SPACE,
    PROCESS_STARTED,
    is_alive,
    is_stale,
    presence_tags,
    seconds_worked,
)
from catdog_exp.tracking.store import open_store
from tests.tracking.starting import start_run


def of_process(process: subprocess.Popen) -> dict[str, str]:
    started = psutil.Process(process.pid).create_time()
    return {**presence_tags(), PID: str(process.pid), PROCESS_STARTED: str(started)}


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_a_run_lives_as_long_as_its_process(sleeper):
    tags = of_process(sleeper)
    assert is_alive("RUNNING", tags)
    assert not is_alive("KILLED", tags)
    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, though its parent has not asked for it yet
    assert not is_alive("RUNNING", tags)
    sleeper.wait()
    assert not is_alive("RUNNING", tags)


def test_on_this_host_a_late_heartbeat_is_no_death(sleeper):
    assert is_alive("RUNNING", {**of_process(sleeper), HEARTBEAT: "1000.0"})


def test_another_process_with_its_number_is_not_the_run_s(sleeper):
    tags = of_process(sleeper)
    assert not is_alive("RUNNING", {**tags, PROCESS_STARTED: str(float(tags[PROCESS_STARTED]) - 60)})


@pytest.mark.parametrize(("age", "lives"), [(0, True), (140, True), (160, False), (-60, True)])
# A number says nothing where it is another's.
@pytest.mark.parametrize("pid", [os.getpid(), 2**30], ids=["of a process", "of none"])
def test_where_its_process_cannot_be_seen_the_heartbeat_tells(age, lives, pid):
    tags = {**presence_tags(), PID_SPACE: "elsewhere", PID: str(pid), HEARTBEAT: str(time.time() - age)}
    assert is_alive("RUNNING", tags) is lives
    assert is_stale("RUNNING", tags) is not lives


def test_a_container_of_the_same_host_name_sees_other_processes():
    code = "from catdog_exp.tracking.heartbeat import presence_tags; import json; print(json.dumps(presence_tags()))"
    outcome = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        pytest.skip(f"no container can be made here: {outcome.stderr.strip()}")
    tags = json.loads(outcome.stdout)
    assert tags[HOST] == socket.gethostname()
    assert is_alive("RUNNING", tags)  # it gave a sign of life a moment ago
    assert is_stale("RUNNING", {**tags, HEARTBEAT: "1000.0"})


def test_another_user_s_process_that_the_system_hides_is_not_dead():
    code = (
        "import os, sys, time; from catdog_exp.tracking import heartbeat; tags = heartbeat.presence_tags();"
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534);"
        "tags |= {heartbeat.PID: str(os.getppid()), heartbeat.PROCESS_STARTED: sys.argv[1]};"
        "late = tags | {heartbeat.HEARTBEAT: '1000.0'};"
        "print(heartbeat.is_alive('RUNNING', tags), heartbeat.is_alive('RUNNING', late))"
    )
    hidden = 'mount -t proc -o hidepid=2 none /proc && exec "$@"'
    outcome = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            hidden,
            "sh",
            sys.executable,
            "-c",
            code,
            presence_tags()[PROCESS_STARTED],
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "mount" in outcome.stderr or "unshare" in outcome.stderr:
        pytest.skip(f"no process can be hidden here: {outcome.stderr.strip()}")
    assert (outcome.stdout, outcome.stderr) == ("True False\n", "")


def test_a_run_from_before_the_machine_was_started_anew_is_dead(sleeper):
    tags = of_process(sleeper)
    boot, space = tags[PID_SPACE].split()
    earlier = {**tags, PID_SPACE: f"{boot[::-1]} {space}", HEARTBEAT: str(time.time() - 3600)}
    assert not is_alive("RUNNING", earlier)


@pytest.mark.parametrize("odd", [{}, {PID: "-1"}, {PID: "nan"}, {PID: "1e400"}, {PROCESS_STARTED: "today"}])
def test_tags_that_are_missing_or_odd_are_no_error(odd):
    tags = {**presence_tags(), **odd} if odd else {}
    assert not is_alive("RUNNING", tags)


def test_of_a_run_that_gives_no_signs_nothing_is_known():
    assert not is_stale("RUNNING", {})


def test_an_open_run_says_where_it_runs_and_renews_its_heartbeat(ready, monkeypatch):
    monkeypatch.setattr(alive, "BEAT", 0.05)
    config = ready()
    client = open_store(config).client
    with start_run(config, "run", {}) as log:
        first = client.get_run(log.run_id).data.tags
        assert (first[HOST], first[PID]) == (socket.gethostname(), str(os.getpid()))
        assert is_alive("RUNNING", first)
        last = time.monotonic() + 20
        while client.get_run(log.run_id).data.tags[HEARTBEAT] == first[HEARTBEAT]:
            assert time.monotonic() < last
            time.sleep(0.05)
    ended = client.get_run(log.run_id)
    assert ended.info.status == "FINISHED"
    time.sleep(0.2)
    assert client.get_run(log.run_id).data.tags == ended.data.tags


def test_heartbeats_and_metrics_get_along(ready, monkeypatch):
    monkeypatch.setattr(alive, "BEAT", 0.001)
    config = ready()
    with start_run(config, "run", {}) as log:
        for step in range(40):
            log.metrics({"val/loss": 1.0 / (step + 1)}, step)
            log.tags({"step": str(step)})
    client = open_store(config).client
    assert len(client.get_metric_history(log.run_id, "val/loss")) == 40
    assert client.get_run(log.run_id).data.tags["step"] == "39"


def test_a_store_that_fails_under_the_heartbeat_is_one_warning(ready, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        raise OSError("the disk is full")

    monkeypatch.setattr("mlflow.MlflowClient.set_tag", fail)
    monkeypatch.setattr(alive, "BEAT", 0.01)
    config = ready()
    with start_run(config, "run", {}) as log:
        last = time.monotonic() + 20
        while len(calls) < 3:
            assert time.monotonic() < last
            time.sleep(0.01)
    assert [record.message for record in caplog.records] == [
        f"run {log.run_id[:8]}: its sign of life could not be logged: the disk is full"
    ]
    assert open_store(config).client.get_run(log.run_id).info.status == "FINISHED"


def test_a_store_that_hangs_under_the_heartbeat_does_not_hold_the_run_up(ready, monkeypatch):
    monkeypatch.setattr("mlflow.MlflowClient.set_tag", lambda *_: time.sleep(3))
    monkeypatch.setattr(alive, "BEAT", 0.01)
    monkeypatch.setattr(alive, "JOIN_TIMEOUT", 0.1)
    with start_run(ready(), "run", {}):
        time.sleep(0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 2


def test_time_between_an_interruption_and_the_resumption_is_no_work():
    def run(status, started, ended, **tags):
        info = SimpleNamespace(status=status, start_time=started * 1000, end_time=ended and ended * 1000)
        return SimpleNamespace(info=info, data=SimpleNamespace(tags=tags))

    assert seconds_worked(run("FINISHED", 1000, 1600)) == 600
    assert seconds_worked(run("FINISHED", 1000, 1600, **{PAUSED: "500.0"})) == 100
    assert seconds_worked(run("RUNNING", 1000, None, **{HEARTBEAT: "1030.0"})) == 30
    assert seconds_worked(run("RUNNING", 1000, 1100, **{HEARTBEAT: "2030.0", PAUSED: "900.0"})) == 130
