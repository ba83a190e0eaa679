"""The runs under a parent run, as a sweep's are."""

from __future__ import annotations

from catdog_exp.tracking.heartbeat import is_alive
from catdog_exp.tracking.run_log import PARENT
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors

BEST = "best_of_sweep"  # tag of a run


def finish_children(store: Store, parent_run: str) -> None:
    """End the runs under `parent_run` as KILLED that are open though nobody works on them.

    Raises UserError when the store fails.
    """
    condition = f"tags.`{PARENT}` = '{parent_run}' and attributes.status = 'RUNNING'"
    for listed in list(store.runs(condition)):
        if not is_alive(listed.info.status, listed.data.tags):
            with plain_errors(store.shown):
                run = store.client.get_run(listed.info.run_id)  # which another process may go on with, or end, by now
                if run.info.status == "RUNNING" and not is_alive(run.info.status, run.data.tags):
                    store.client.set_terminated(run.info.run_id, "KILLED")


def mark_best(store: Store, parent_run: str, run_id: str) -> None:
    """Tag a run under `parent_run` as the best there, and no other. Raises UserError when the store fails."""
    marked = [run.info.run_id for run in store.runs(f"tags.`{PARENT}` = '{parent_run}' and tags.{BEST} = 'true'")]
    with plain_errors(store.shown):
        for each in marked:
            if each != run_id:
                store.client.delete_tag(each, BEST)
        store.client.set_tag(run_id, BEST, "true")
