"""The end of a run that did not go as it should."""

from __future__ import annotations

import logging
from typing import Literal

from catdog_exp.errors import UserError
from catdog_exp.tracking.limits import ERROR_LENGTH, cut
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import problem

log = logging.getLogger(__name__)

Status = Literal["FINISHED", "FAILED", "KILLED"]


def end_run(store: Store, run_id: str, status: Status, reason: str | None = None, report: str | None = None) -> None:
    """End a run that has not finished. reason: one line, the tag `error`. report: the text of `error.txt`.

    That the store fails is a warning: it must not hide, nor hold up, what ended the run.
    """
    try:
        store.client.set_terminated(run_id, status)
        if reason is not None:
            store.client.set_tag(run_id, "error", cut(reason, ERROR_LENGTH))
        if report is not None:
            store.client.log_text(run_id, report, "error.txt")
    except Exception as error:
        log.warning("the end of run %s could not be logged: %s", run_id[:8], problem(error))


def error_line(error: Exception) -> str:
    """What went wrong, in one line; with the kind of the error, unless it is the user's to mend."""
    lines = str(error).strip().splitlines()
    # MXNet's messages start with a traceback of their own; what went wrong stands last.
    text = (lines[-1] if lines[0].startswith("Traceback") else lines[0]) if lines else ""
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}".removesuffix(": ")
