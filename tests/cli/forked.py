"""Command lines in processes that are forked for them, in a fraction of the time that a start takes."""

import multiprocessing
import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import pytest

# Once, for all of them: what starts the tests itself, and what each command line would import and cache anew.
PRELOADED = ["__main__", "tests.cli.warm"]
OF_THE_USER = ("CATDOG_", "HYDRA_", "MLFLOW_", "OMP_")


@dataclass(frozen=True)
class Done:
    """How a command line ended. returncode: the exit code, None where it took too long."""

    returncode: int | None
    stdout: str
    stderr: str


def fork_context():
    """The context of multiprocessing whose processes are forked from one that has imported what is slow."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # no thread that a fork would lose
        forkserver.ensure_running()
    return context


def forked(words, folder, *, timeout=240, **environment):
    """Run `catdog WORDS…` in `folder` by way of `cli.main`, in a process of its own.

    What the process imports is there already, as in a sweep's jobs: MLflow too, so that a thread logs to it, and no
    process beside the run.
    """
    variables = {key: value for key, value in os.environ.items() if not key.startswith(OF_THE_USER)}
    variables |= {key: str(value) for key, value in environment.items()}
    with tempfile.TemporaryDirectory() as aside:
        streams = [Path(aside, name) for name in ("stdout", "stderr")]
        process = fork_context().Process(target=_main, args=(list(map(str, words)), str(folder), streams, variables))
        process.start()
        process.join(timeout)
        code = process.exitcode
        if code is None:
            process.kill()
            process.join()
        return Done(code, *(stream.read_text(encoding="utf-8", errors="replace") for stream in streams))


def _main(words, folder, streams, variables):
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    for number, mode in ((1, "stdout"), (2, "stderr")):
        setattr(sys, mode, os.fdopen(number, "w", encoding="utf-8", buffering=1))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None
    from catdog_exp.cli import main

    code = 70  # as of an error that `main` lets through
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
