"""Log lines that do not tear a progress bar."""

import logging


class ConsoleHandler(logging.Handler):
    """Writes each record as a line on standard output, above whatever progress bar stands on the terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        try:
            tqdm.write(self.format(record))
        except OSError:  # a closed terminal or pipe must not end a run
            self.handleError(record)


def mark_console(mark: str) -> None:
    """Put `mark` before each line of this process's console, to tell jobs side by side apart."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, ConsoleHandler):
            handler.setFormatter(logging.Formatter(f"{mark}%(message)s"))
