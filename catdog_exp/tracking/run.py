"""One run at MLflow, from its start to an honest end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catdog_exp.schema import TrackingConfig
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.log import PARENT, MlflowLog, NoLog, RunLog, Status
from catdog_exp.tracking.provenance import provenance_tags
from catdog_exp.tracking.store import Store, open_store

if TYPE_CHECKING:
    from mlflow.entities import Run


@contextmanager
def start_run(
    config: TrackingConfig, name: str, tags: Mapping[str, str], interrupted: str | None = None
) -> Iterator[RunLog]:
    """A run that is open while the block runs, under `config.parent_run` where that is set.

    interrupted: fingerprint of a run that was interrupted: it goes on, where the experiment has it, in place
    of a new one.

    It ends FINISHED, or FAILED when the block raises an Exception (then with the tag `error` and the
    artifact `error.txt`), or KILLED when anything else ends the block, as Ctrl-C and SIGTERM do.

    Raises UserError when the store cannot be used.
    """
    if not config.enabled:
        yield NoLog()
        return
    store = open_store(config)
    all_tags = {**provenance_tags(), **tags}
    if config.parent_run is not None:
        all_tags[PARENT] = config.parent_run
    status: Status = "KILLED"
    failure: Exception | None = None
    made: MlflowLog | None = None
    try:
        with uninterrupted():
            earlier = None if interrupted is None else _unfinished(store, interrupted)
            made = MlflowLog(store, name, all_tags, earlier)
        yield made
        status = "FINISHED"
    except Exception as error:
        status, failure = "FAILED", error
        raise
    finally:
        if made is not None:
            with uninterrupted():
                made.end(status, failure)


def _unfinished(store: Store, fingerprint: str) -> Run | None:
    """The newest run with this tag `fingerprint` that has not finished."""
    runs = store.runs(f"tags.fingerprint = '{fingerprint}'")
    return next((run for run in runs if run.info.status != "FINISHED"), None)
