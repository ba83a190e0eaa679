"""A sweep's jobs as a table: before it for the console, after it also as CSV and for MLflow's notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from catdog_exp.sweeps.estimating import estimate, judged_by
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.results import best_job, differing_keys, ranked, value_of
from catdog_exp.sweeps.words import clock, described, exact, roughly, shown
from catdog_exp.tables import cut, table
from catdog_exp.tracking.links import LONGEST, RUN
from catdog_exp.tracking.markdown import table_head, table_row
from catdog_exp.tracking.uris import without_password
from catdog_exp.training.objective import is_minimized

CSV = "sweep.csv"  # the whole table, in the sweep's folder
MOST_JOBS = 60  # of more, people are shown the best ones and those that failed
BEST_JOBS = 40
LONGEST_CELL = 60  # letters of a cell in the note
WAITING = "waiting"
NEW = "new"
# How the last line counts each state of a job.
COUNTED = {"finished": "finished", "resumable": "to go on", "running": "under way elsewhere", NEW: "to run"}


def job_table(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str) -> str:
    """All jobs by number, as wide as the terminal at most; the best one has a star.

    Reasons stand below, whole. Of more than 60 jobs the 40 best and the failed ones are shown.
    """
    minimize = is_minimized(objective)
    best = best_job(jobs, outcomes, minimize)
    told = sorted(_worth_showing(jobs, outcomes, minimize), key=lambda job: job.number)
    keys = differing_keys(jobs)
    head = ["job", "status", objective, *keys, "time", "run"]
    rows = []
    for job in told:
        outcome = outcomes.get(job.number)
        values = [shown(job.differs[key]) if key in job.differs else "" for key in keys]
        number = f"{'*' * (job is best)}{job.number}"
        rows.append([number, _status(outcome), _value(outcome), *values, *_time_and_run(outcome)])
    lines = table(head, rows, right={0, 2, len(head) - 2}, elastic=range(3, 3 + len(keys)))
    lines += _reasons(told, outcomes)
    if best is not None:
        outcome = outcomes[best.number]
        link = f"; {without_password(outcome.link)}" if outcome.link else ""
        lines.append(f"* best: {described(best)}, {objective} {_value(outcome)}{link}")
    if len(told) < len(jobs):
        lines.append(f"{len(jobs) - len(told)} jobs left out; {CSV} in the sweep's folder has all {len(jobs)}")
    return "\n".join(lines)


def csv_table(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str) -> str:
    """All jobs with all that is known of them, one line each, numbers with all their digits."""
    keys = differing_keys(jobs)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["job", "status", objective, *keys, "seconds", "run", "link", "fingerprint", "reason"])
    for job in sorted(jobs, key=lambda job: job.number):
        outcome = outcomes.get(job.number)
        values = [exact(job.differs[key]) if key in job.differs else "" for key in keys]
        value, known = "", ["", "", ""]
        if outcome is not None:
            value = "" if outcome.objective is None else repr(outcome.objective)
            known = [f"{outcome.seconds:.1f}", outcome.run_id or "", without_password(outcome.link)]
        reason = "" if outcome is None else without_password(outcome.reason)
        writer.writerow([job.number, _status(outcome), value, *values, *known, job.fingerprint, reason])
    return text.getvalue()


def markdown_table(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, room: int) -> str:
    """The jobs in Markdown, their runs as `run:ID`, at most `room` letters once these are links.

    Of many jobs the best and the failed ones, as far as there is room.
    """
    minimize = is_minimized(objective)
    best = best_job(jobs, outcomes, minimize)
    keys = differing_keys(jobs)
    lines = table_head(["job", "result", objective, *keys, "time", "run", "reason"])
    last = f"\n{len(jobs)} jobs in all, of which the best and the failed ones stand here as far as there is room; "
    last += f"the whole table is in {CSV}.\n"
    room -= len(last) + sum(len(line) + 1 for line in lines)
    rows: dict[int, str] = {}
    for job in _worth_showing(jobs, outcomes, minimize):
        outcome = outcomes.get(job.number)
        values = [shown(job.differs[key]) if key in job.differs else "" for key in keys]
        value = f"**{_value(outcome)}**" if job is best else _value(outcome)
        time, run = _time_and_run(outcome)
        link = f"[{run}]({RUN}{outcome.run_id})" if outcome is not None and run else ""
        reason = without_password(outcome.reason) if outcome is not None else ""
        cells = [cut(cell, LONGEST_CELL) for cell in (*values, reason)]
        row = table_row([str(job.number), result(outcome), value, *cells[:-1], time, link, cells[-1]])
        room -= len(row) + 1 + LONGEST * bool(link)
        if room < 0:
            break
        rows[job.number] = row
    lines += [rows[number] for number in sorted(rows)]
    return "\n".join(lines) + "\n" + (last if len(rows) < len(jobs) else "")


def result(outcome: Outcome | None) -> str:
    """Where a job's result is from: `new` or `reused`; else how it ended."""
    return NEW if outcome is not None and outcome.status == "finished" else _status(outcome)


def plan_table(jobs: Sequence[Job], states: Mapping[str, str], seconds: Mapping[str, float], at_once: int) -> str:
    """The jobs with their fingerprints, differing values and states, and a last line with the time they will take.

    states: by fingerprint, `finished`, `resumable` or `running`; what is not in it is new.
    seconds: by fingerprint, what finished runs took, whether of this sweep or not. at_once: jobs side by side.
    """
    keys = differing_keys(jobs)
    head = ["job", "fingerprint", *keys, "state"]
    rows = []
    for job in sorted(jobs, key=lambda job: job.number):
        values = [shown(job.differs[key]) if key in job.differs else "" for key in keys]
        rows.append([str(job.number), job.fingerprint[:8], *values, states.get(job.fingerprint, NEW)])
    lines = table(head, rows, right={0}, elastic=range(2, 2 + len(keys)))
    return "\n".join([*lines, _plan_line(jobs, states, seconds, at_once)])


def _worth_showing(jobs: Sequence[Job], outcomes: Mapping[int, Outcome], minimize: bool) -> list[Job]:
    """The best first, then the failed ones; then the others, where there are not too many."""
    best = ranked(jobs, outcomes, minimize)
    many = len(jobs) > MOST_JOBS
    told = best[:BEST_JOBS] if many else best
    failed = [job for job in jobs if _status(outcomes.get(job.number)) == "failed"]
    others = [] if many else list(jobs)
    return list({job.number: job for job in (*told, *failed, *others)}.values())


def _status(outcome: Outcome | None) -> str:
    return WAITING if outcome is None else outcome.status


def _value(outcome: Outcome | None) -> str:
    value = value_of(outcome)
    return "" if value is None else f"{value:.4f}"


def _time_and_run(outcome: Outcome | None) -> tuple[str, str]:
    return (clock(outcome.seconds), (outcome.run_id or "")[:8]) if outcome is not None else ("", "")


def _reasons(jobs: Sequence[Job], outcomes: Mapping[int, Outcome]) -> list[str]:
    """Each reason once, with its jobs."""
    numbers: dict[str, list[str]] = {}
    for job in jobs:
        outcome = outcomes.get(job.number)
        if outcome is not None and outcome.reason:
            numbers.setdefault(f"{outcome.status}: {without_password(outcome.reason)}", []).append(str(job.number))
    return [f"job{'s' * (len(of) > 1)} {', '.join(of)} {reason}" for reason, of in numbers.items()]


def _plan_line(jobs: Sequence[Job], states: Mapping[str, str], seconds: Mapping[str, float], at_once: int) -> str:
    found = [states.get(job.fingerprint, NEW) for job in jobs]
    counts = ", ".join(f"{found.count(state)} {words}" for state, words in COUNTED.items() if state in found)
    total = f"{len(jobs)} job{'s' * (len(jobs) != 1)}: {counts}"
    to_run = {job.number for job, state in zip(jobs, found, strict=True) if state in ("resumable", NEW)}
    if not to_run:
        return f"{total}; nothing is left to run"
    time = estimate(jobs, seconds, at_once, to_run)
    if time is None:
        return f"{total}; time unknown: no run of this kind has finished yet"
    judged = {run for number, of in judged_by(jobs, seconds).items() if number in to_run for run in of}
    runs = f"{len(judged)} run{'s' * (len(judged) != 1)}"
    return f"{total}; about {roughly(time)} with {at_once} at once, judging by {runs}"
