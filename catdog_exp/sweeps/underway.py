"""A sweep from its first job to its last: its run at the tracking server, what is seen of it, and what is left."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from catdog_exp.console import say
from catdog_exp.errors import IncompleteSweep
from catdog_exp.experiment.config import RunConfig
from catdog_exp.sweeps.jobs import SWEEP, KnownJobs, Sweep, outcome_of, write
from catdog_exp.sweeps.live import live_view
from catdog_exp.sweeps.planning import sweep_fingerprint
from catdog_exp.sweeps.stopping import stopping_in_order
from catdog_exp.sweeps.summary import spreads_of, summarize
from catdog_exp.sweeps.table import job_table, markdown_table
from catdog_exp.tracking.children import finish_children
from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.run import start_run
from catdog_exp.tracking.run_log import RunLog
from catdog_exp.tracking.run_lookup import SWEEP_FINGERPRINT, find_parent
from catdog_exp.tracking.uris import without_password
from catdog_exp.training.objective import is_minimized

NOTE = "mlflow.note.content"  # MLflow's tag: text that its page of a run begins with
log = logging.getLogger(__name__)


@contextmanager
def under_way(
    folder: Path, config: RunConfig, words: Sequence[str], at_once: int | None, fork_server: str | None
) -> Iterator[None]:
    """Holds a sweep open while the block runs its jobs, which are frozen in `folder`; at its end says how they ended.

    config: what all jobs have in common. words: that the sweep was composed with. at_once, fork_server: as in `Sweep`.
    The same words again go on in the same parent run. The summary is made however the block ends.
    Raises IncompleteSweep when a job has no result; what a signal raises; UserError when the store fails.
    """
    tracking, objective = config.tracking, config.objective
    with _parent(tracking, Path(config.paths.outputs), words) as parent:
        write(folder / SWEEP, Sweep(parent.run_id, at_once, fork_server))
        with stopping_in_order(folder):
            try:
                with live_view(folder, KnownJobs(folder), objective):
                    yield
            finally:
                lacking = _summary(folder, parent, objective)
                if parent.run_id is not None:
                    finish_children(tracking, parent.run_id)
        if lacking:
            raise IncompleteSweep(lacking)


@contextmanager
def _parent(tracking: TrackingConfig, outputs: Path, words: Sequence[str]) -> Iterator[RunLog]:
    """The sweep's own run: the one that the same words had before, of two at once the same for both."""
    from filelock import FileLock

    fingerprint = sweep_fingerprint(words)
    tags = {"sweep": without_password(" ".join(words)), SWEEP_FINGERPRINT: fingerprint}
    shelf = outputs / "unfinished"
    shelf.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with FileLock(shelf / f"{fingerprint}.lock"):
            earlier = find_parent(tracking, fingerprint)
            parent = stack.enter_context(start_run(tracking, "sweep", tags, earlier))
        yield parent


def _summary(folder: Path, parent: RunLog, objective: str) -> str:
    """Shows and logs how all jobs ended. Returns a line about those without a result, empty where all have one."""
    jobs = KnownJobs(folder)()
    outcomes = {job.number: outcome for job in jobs if (outcome := outcome_of(folder, job)) is not None}
    spreads = spreads_of(jobs, outcomes)
    say(log, "\n".join([job_table(jobs, outcomes, objective), *(spread.line(objective) for spread in spreads)]))
    say(log, f"sweep: {folder}; MLflow: {parent.link}")
    # What is on the screen and on the disk is there whether the store answers or not.
    files = summarize(folder, jobs, outcomes, objective, is_minimized(objective))
    if len(spreads) == 1:
        parent.metrics({"objective/mean": spreads[0].mean, "objective/deviation": spreads[0].deviation}, step=0)
    for file in files:
        parent.artifact(file)
    parent.tags({NOTE: markdown_table(jobs, outcomes, objective)})
    lacking = [job for job in jobs if job.number not in outcomes or not outcomes[job.number].has_result]
    if not lacking:
        return ""
    return f"{len(lacking)} of {len(jobs)} jobs have no result; the same command runs those alone"
