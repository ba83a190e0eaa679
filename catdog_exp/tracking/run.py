"""One run at MLflow, from its start to an honest end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.ending import Status
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.provenance import provenance_tags
from catdog_exp.tracking.run_log import PARENT, MlflowLog, RunLog
from catdog_exp.tracking.store import Store, open_store
from catdog_exp.tracking.store_errors import plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run


@contextmanager
def start_run(
    config: TrackingConfig, name: str, tags: Mapping[str, str], resume: str | None = None
) -> Iterator[RunLog]:
    """A run that is open while the block runs, under `config.parent_run` where that is set, or `config.own_run`.

    resume: id of an earlier run of the experiment, ended or not: it goes on, in place of a new one. Nobody
    else may be at work on it. name, and tags other than the parent's, are then those that it has.

    While it is open it tells where it runs, and every 30 s that it does (`catdog_exp.tracking.heartbeat`).
    It ends FINISHED, or FAILED when the block raises an Exception (then with the tag `error` and the
    artifact `error.txt`), or KILLED when anything else ends the block, as Ctrl-C and SIGTERM do.

    Raises UserError when the store cannot be used.
    """
    if not config.enabled:
        yield RunLog()
        return
    store = open_store(config)
    all_tags = {**provenance_tags(), **tags}
    if config.parent_run is not None:
        all_tags[PARENT] = config.parent_run
    status: Status = "KILLED"
    failure: Exception | None = None
    made: MlflowLog | None = None
    resume = config.own_run or resume
    try:
        with uninterrupted():
            made = MlflowLog(store, name, all_tags, None if resume is None else _run(store, resume))
        with made.beating():
            yield made
        status = "FINISHED"
    except Exception as error:
        status, failure = "FAILED", error
        raise
    finally:
        if made is not None:
            with uninterrupted():
                made.end(status, failure)


def _run(store: Store, run_id: str) -> Run:
    with plain_errors(store.shown):
        return store.client.get_run(run_id)
