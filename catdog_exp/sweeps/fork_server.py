"""Forks the processes of a sweep's jobs, its slow imports done: `python -m catdog_exp.sweeps.fork_server …`.

Python's own fork server would unblock the signals that a sweep blocks, and have each job import the main module of
whatever launcher started its supervisor.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import shutil
import signal
import socket
import sys
from multiprocessing.connection import Connection, wait
from pathlib import Path

from catdog_exp.data import kernels
from catdog_exp.sweeps import child
from catdog_exp.sweeps.stopping import SIGNALS
from catdog_exp.tracking.store import prepare_mlflow

# What jobs import and start no threads with: all that is slow, but MXNet.
SLOW = (
    "mlflow.store.tracking.sqlalchemy_store",
    "sqlalchemy.dialects.sqlite",
    "catdog_exp.experiment.stages.evaluate",
    "catdog_exp.experiment.stages.pack",
    "catdog_exp.experiment.stages.train",
    "catdog_exp.plots.sheet",
    "sklearn.metrics",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
)
LOOK_EVERY = 0.02  # seconds between two looks at a job


def main() -> int:
    """Serve each supervisor that connects with a fork of this process, until the owner has ended.

    The command's words: file descriptors of the owner's connection and of the socket, and the socket's path.
    """
    owner, listener = Connection(int(sys.argv[1])), socket.socket(fileno=int(sys.argv[2]))
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    prepare_mlflow()
    for name in SLOW:
        importlib.import_module(name)
    kernels.load()
    gc.freeze()  # else the first collection in a job copies all of this memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those that serve have ended
    while owner not in wait([owner, listener]):
        connected, _ = listener.accept()
        supervisor = Connection(connected.detach())
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            owner.close()
            listener.close()
            return _serve(supervisor)
        supervisor.close()
    shutil.rmtree(Path(sys.argv[3]).parent, ignore_errors=True)
    return 0


def _serve(supervisor: Connection) -> int:
    """Start the jobs that a supervisor asks for, one after the other; tell it each one's process and exit code.

    Ends when the supervisor does, and each job when this process does.
    """
    server, job = os.getpid(), 0
    while True:
        try:
            sweep, number, environment, folder = supervisor.recv()
        except (EOFError, OSError):
            return 0
        if job != 0:  # not sooner: nothing else shall get the number of a process that may yet be killed
            os.waitpid(job, 0)
        job = os.fork()
        if job == 0:
            supervisor.close()
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            code = child.main(sweep, number, server)
            logging.shutdown()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code)  # what is to be done at this process's end is not the job's to do
        supervisor.send(job)
        while (ended := os.waitid(os.P_PID, job, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is None:
            if supervisor.poll(LOOK_EVERY):  # it has no other word to say than that it is gone
                return 1
        supervisor.send(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)


if __name__ == "__main__":
    sys.exit(main())
