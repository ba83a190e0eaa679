"""Log lines and progress bars that do not tear each other."""

import logging
import os
import sys


class ConsoleHandler(logging.Handler):
    """Writes each record as a line on standard output, above whatever progress bar stands on the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        try:
            tqdm.write(self.format(record))
            sys.stdout.flush()
        except OSError:
            return  # the reader is gone, a closed terminal or pipe; the run goes on, and run.log has the line


def mark_console(mark: str) -> None:
    """Put `mark` before each line of this process's console, to tell jobs side by side apart."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, ConsoleHandler):
            handler.setFormatter(logging.Formatter(f"{mark}%(message)s"))


def no_bar() -> bool | None:
    """What tqdm's `disable` is to be: no bar but on a terminal, and none where jobs side by side share it."""
    return "TQDM_DISABLE" in os.environ or None
