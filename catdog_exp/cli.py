"""The command `catdog`: a verb, or a run."""

from __future__ import annotations

import difflib
import gc
import importlib
import logging
import os
import re
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from catdog_exp.collection import uncollected
from catdog_exp.commands.arguments import check_words, is_override
from catdog_exp.console import repair_streams
from catdog_exp.errors import Terminated, UserError, exit_code, one_line, terminate

if TYPE_CHECKING:
    from catdog_exp.tracking.sender_process import SenderProcess

# Each verb is a module of catdog_exp.commands with `main(words) -> exit code`.
VERBS = (
    *("predict", "ui", "runs", "show", "diff", "rerun", "evaluate", "export", "register", "serve"),
    *("sweeps", "sweep", "packs", "sync", "machine", "doctor", "answer", "demo"),
)


def script() -> int:
    """As `main`, of a process that ends then."""
    try:
        return main()
    finally:
        gc.freeze()  # else the interpreter looks for garbage once more before it ends: a third of a second


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words` (default: this process's own). Returns the exit code.

    0: done. 1: our error, with a traceback; a lost worker; jobs of a sweep without a result.
    2: the user's mistake, one line. 130: Ctrl-C. 143: SIGTERM.
    """
    words = sys.argv[1:] if words is None else words
    repair_streams()
    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
        signal.signal(signal.SIGHUP, terminate)
    try:
        check_words(words)
        # A verb is the first word that is no setting.
        place = next((place for place, word in enumerate(words) if not is_override(word)), None)
        if place is not None and _is_bare(words[place]):
            return _verb(words[place], words[:place], words[place + 1 :])
        return _run(words)
    except (KeyboardInterrupt, Terminated) as error:
        print(f"catdog: {'terminated' if isinstance(error, Terminated) else 'interrupted'}", file=sys.stderr)
        return exit_code(error)
    except BrokenPipeError as error:
        if not _reader_is_gone():
            return _failed(error)
        # `catdog --help | head`: nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _failed(error)


def _reader_is_gone() -> bool:
    """Whether nobody reads our output any more; other pipes and connections may break, too."""
    look = select.poll()
    look.register(sys.stdout.fileno(), 0)
    return bool(look.poll(0))


def _is_bare(word: str) -> bool:
    return "=" not in word and not word.startswith(("-", "~", "+"))


def _verb(verb: str, before: Sequence[str], behind: Sequence[str]) -> int:
    if verb not in VERBS:
        if re.fullmatch(r"\w+([./]\w+)+", verb):
            raise UserError(f"{verb}: a setting is written {verb}=VALUE, without spaces")
        near = difflib.get_close_matches(verb, VERBS, n=1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(VERBS)}, and settings as KEY=VALUE"
        if before and not near:
            advice = f"put a value with spaces in quotes, as in '{before[-1]} {verb}'"
        raise UserError(f"{verb or repr(verb)}: no such command; {advice}")
    # Standard output is for a verb's result alone. (For a run, Hydra sets logging up: conf/hydra/job_logging/.)
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    logging.getLogger("catdog_exp").setLevel(logging.INFO)
    with uncollected():
        command = importlib.import_module(f"catdog_exp.commands.{verb}")
    code: int = command.main([*before, *behind])
    return code


def _run(words: Sequence[str]) -> int:
    if "--version" in words:
        print(f"catdog {version('catdog-exp')}")
        return 0
    if {"--help", "-h"} & set(words):
        from catdog_exp.app.help import help_text

        print(help_text(words))
        return 0
    with _process_for_tracking(words) as process:
        with uncollected():
            from catdog_exp.app.main import main as run

        run(words, process)
    return 0


@contextmanager
def _process_for_tracking(words: Sequence[str]) -> Iterator[SenderProcess | None]:
    """What talks to MLflow for a run or a sweep: it imports that while this process imports Hydra, and composes."""
    is_imported = "mlflow" in sys.modules  # a thread of this process does, then
    asks = ("-", "sweep.dry_run", "tracking=none", "plan=")  # that nothing is logged of
    if is_imported or any(word.startswith(asks) for word in words if word not in ("-m", "--multirun")):
        yield None
        return
    from catdog_exp.tracking.sender_process import SenderProcess

    process = SenderProcess()
    try:
        yield process
    finally:
        if not process.is_taken:  # nothing is logged, or the run is refused
            process.kill()


def _failed(error: Exception) -> int:
    line = one_line(error)
    if line is None:
        from catdog_exp.commands.packages import environment_line

        if (line := environment_line(error)) is not None:
            error = UserError(line)
    if line is None:
        traceback.print_exception(error)
        print("catdog: this is an error of ours; the lines above say where", file=sys.stderr)
    else:
        # What is shown of the user's words may end lines.
        print("catdog:", *line.splitlines(), file=sys.stderr)
    return exit_code(error)
