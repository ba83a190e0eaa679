"""The end that nothing can prepare for."""

import os
import signal

import psutil


def kill_all(process):
    """kill -9 of a process and of all that it has started."""
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
