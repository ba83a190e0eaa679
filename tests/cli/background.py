"""The command while it works: waiting for what it does, and the end that nothing can prepare for."""

import os
import signal
import time

import psutil

BEGUN = "outputs/unfinished/*/state-*"  # there is one from a run's first epoch on


def wait_until(condition, process, seconds=240):
    """Wait until the condition holds, while the process works."""
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)


def kill_all(process):
    """kill -9 of a process and of all that it has started, as far as they run."""
    try:
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = [process]
    for member in family:
        try:
            os.kill(member.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
