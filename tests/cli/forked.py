"""Command lines in processes that are forked for them, in a fraction of the time that a start takes."""

import multiprocessing
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

# Once, for all of them: what starts the tests itself, and what each command line would import and cache anew.
PRELOADED = ["__main__", "tests.cli.warm"]


@dataclass(frozen=True)
class Done:
    """How a command line ended. code: the exit code, None where it took too long."""

    code: int | None
    stdout: str
    stderr: str


def forked(words, folder, *, timeout=60, **environment):
    """Run `catdog WORDS…` in `folder` by way of `cli.main`, in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    streams = [Path(folder, f".{name}") for name in ("stdout", "stderr")]
    process = context.Process(target=_main, args=(list(words), str(folder), streams, environment))
    process.start()
    process.join(timeout)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    told = [stream.read_text(encoding="utf-8", errors="replace") for stream in streams]
    for stream in streams:
        stream.unlink()
    return Done(code, *told)


def _main(words, folder, streams, environment):
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    for number, mode in ((1, "stdout"), (2, "stderr")):
        setattr(sys, mode, os.fdopen(number, "w", encoding="utf-8", buffering=1))
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("CATDOG_", "MLFLOW_", "HYDRA_"))]:
        del os.environ[name]
    os.environ.update(environment)
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
