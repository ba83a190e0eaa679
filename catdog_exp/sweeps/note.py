"""What MLflow's page of a sweep begins with: what it varied, how it went, and its jobs in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from catdog_exp.experiment.naming import job_name
from catdog_exp.sweeps.axes import ordered
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.results import best_job, differing_keys, value_of
from catdog_exp.sweeps.table import WAITING, markdown_table, result
from catdog_exp.sweeps.words import roughly, shown
from catdog_exp.tables import cut
from catdog_exp.tracking.limits import TAG_LENGTH
from catdog_exp.tracking.links import LONGEST, RUN, VIEW
from catdog_exp.tracking.uris import without_password
from catdog_exp.training.objective import is_minimized

LONGEST_WORDS = 1_000  # letters of what is said before the table, a line at most


def sweep_note(
    run_id: str,
    words: Sequence[str],
    jobs: Sequence[Job],
    outcomes: Mapping[int, Outcome],
    objective: str,
    conclusion: Sequence[str],
    answer: str = "",
) -> str:
    """The note in Markdown, at most 8,000 letters once its `run:ID` are links; the table is cut at whole rows.

    run_id: the sweep's. words: its command's. conclusion: what there is to say of all jobs together, in lines.
    answer: what comes first, "" for nothing.
    """
    parts = [_ended(jobs, outcomes), *conclusion, _varied(jobs), f"Its command: `{without_password(' '.join(words))}`"]
    best = best_job(jobs, outcomes, is_minimized(objective))
    if best is not None:
        run, name = outcomes[best.number].run_id, job_name(best.differs) or f"job {best.number}"
        linked = name if run is None else f"[{name}]({RUN}{run})"
        again = "" if run is None else f"; once more: `catdog rerun {run[:8]}`"
        parts.insert(0, f"**Best: {linked}, {objective} {value_of(outcomes[best.number]):.4f}**{again}")
    if answer:
        parts.insert(0, f"**{answer}**")
    parts.append(f"[Its jobs compared]({VIEW}{run_id})")
    head = "\n\n".join(cut(part, LONGEST_WORDS) for part in parts if part)
    return f"{head}\n\n{markdown_table(jobs, outcomes, objective, TAG_LENGTH - len(head) - 2 * LONGEST - 2)}"


def _varied(jobs: Sequence[Job]) -> str:
    varied = []
    for key in differing_keys(jobs):
        values = ordered(job.differs[key] for job in jobs if key in job.differs)
        some = ", ".join(shown(value) for value in values) if len(values) <= 8 else f"{len(values)} values"
        varied.append(f"`{key}` ({some})")
    return f"Varied: {', '.join(varied) or 'nothing'}."


def _ended(jobs: Sequence[Job], outcomes: Mapping[int, Outcome]) -> str:
    counts = Counter(result(outcomes[job.number]) if job.number in outcomes else WAITING for job in jobs)
    seconds = sum(outcome.seconds for outcome in outcomes.values() if outcome.status != "reused")
    return f"{len(jobs)} jobs: {', '.join(f'{count} {how}' for how, count in counts.items())}" + (
        f"; {roughly(seconds)} of work." if seconds else "."
    )
