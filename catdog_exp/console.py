"""The terminal: progress bars, and log lines that stand above them."""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.progress import Progress, ProgressColumn, Task

REFRESHES = 2  # a second; each takes 3 ms from what the bar is about


class ConsoleHandler(logging.Handler):
    """Writes each record as a line on standard output, above whatever progress bar stands on the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # the reader is gone, a closed pipe; the run goes on, and run.log has the line
            show(self.format(record))


def repair_streams() -> None:
    """Let standard streams that were closed lead nowhere; replace letters that the encoding of an output lacks.

    Else a file that is opened later would be taken for the stream, by child processes too.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
            os.set_inheritable(getattr(sys, name).fileno(), True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
            os.environ["PYTHONIOENCODING"] = f"{stream.encoding}:replace"  # of child processes


def show(line: str) -> None:
    """Write a line to standard output, above whatever progress bar stands on the terminal."""
    console = terminal() if sys.stdout.isatty() else None
    if console is None:
        print(line, flush=True)
    else:
        console.print(line, soft_wrap=True)


def say(log: logging.Logger, text: str) -> None:
    """Log what came of a run; where logging has been disabled, print it."""
    if log.isEnabledFor(logging.INFO) and log.hasHandlers():
        log.info("%s", text)
    else:
        print(text)


def mark_console(mark: str) -> None:
    """Put `mark` before each line of this process's console, to tell jobs side by side apart."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, ConsoleHandler):
            handler.setFormatter(logging.Formatter(f"{mark}%(message)s"))


def terminal() -> Console | None:
    """What to draw on the terminal by; None where there is none that lines can be drawn anew on."""
    if not (sys.stdout.isatty() or sys.stderr.isatty()):
        return None
    console = _console()
    return console if console.is_interactive else None


def live_line(console: Console) -> Live:
    """A line at the bottom of the terminal while the block runs, as its `update` says."""
    from rich.live import Live

    redirected = sys.stderr.isatty()
    return Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=redirected)


class ProgressBar:
    """Context manager: how far something is, on a terminal; nothing elsewhere.

    total: None where it is not known. unit: what is counted; `bytes` are shown as kB, MB and so on.
    done: so many are done already. leave: whether the bar stays when all is over.
    """

    def __init__(self, title: str, total: int | None, unit: str, *, done: int = 0, leave: bool = True) -> None:
        console = terminal()
        self._progress = None if console is None else _progress(console, unit, leave)
        if self._progress is not None:
            self._task = self._progress.add_task(title, total=total, completed=done, note="")

    def advance(self, amount: int, note: str = "") -> None:
        """So many more are done. note: stands beside the bar."""
        if self._progress is not None:
            self._progress.update(self._task, advance=amount, note=note)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __enter__(self) -> ProgressBar:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Terminal:
    """Standard output where that is a terminal, else standard error; from where it has been closed on, nothing."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    @property
    def _stream(self) -> IO[str]:
        stream = sys.stdout if sys.stdout.isatty() else sys.stderr
        # While a bar stands, what others write to standard error comes by way of it.
        return cast("IO[str]", getattr(stream, "rich_proxied_file", stream))


@functools.cache
def _console() -> Console:
    from rich.console import Console

    class Kept(Console):
        def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002
            return False  # one that is hidden stays so on the terminal of a process that was killed

    return Kept(file=cast("IO[str]", _Terminal()), markup=False, emoji=False, highlight=False)


def _progress(console: Console, unit: str, leave: bool) -> Progress:
    from rich import progress
    from rich.table import Column
    from rich.text import Text

    class Speed(progress.ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f} {unit}/s")

    whole = Column(no_wrap=True)  # where the terminal is narrow, the bar alone shrinks
    counted: tuple[ProgressColumn, ...] = (progress.MofNCompleteColumn(table_column=whole), Speed(whole))
    if unit == "bytes":
        counted = (progress.DownloadColumn(table_column=whole), progress.TransferSpeedColumn(whole))
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        *counted,
        progress.TimeRemainingColumn(elapsed_when_finished=True, table_column=whole),
        progress.TextColumn("{task.fields[note]}", markup=False),
        console=console,
        refresh_per_second=REFRESHES,
        transient=not leave,
        redirect_stdout=False,
        redirect_stderr=sys.stderr.isatty(),  # warnings of Python's are to stand above the bar
    )
