"""What is left of a sweep to look at: its table, its best config, its plots, and what the seed alone matters."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from catdog_exp.files import replacing
from catdog_exp.settings import flat
from catdog_exp.sweeps.jobs import Job, Outcome
from catdog_exp.sweeps.passwords import hidden
from catdog_exp.sweeps.results import best_job, value_of
from catdog_exp.sweeps.seeds import Spread, spreads
from catdog_exp.sweeps.table import CSV, csv_table
from catdog_exp.training.objective import is_minimized

BEST = "best_config.yaml"  # in the sweep's folder, absent where no job has a result
PARALLEL = "parallel_coordinates.png"


def summarize(
    folder: Path, jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, minimize: bool
) -> list[Path]:
    """Write the sweep's table, best config and plots into `folder`, and return the files.

    The passwords of URIs are in none of them. Raises UserError when `folder` cannot be written to.
    """
    from catdog_exp.sweeps.parallel_plot import parallel_coordinates
    from catdog_exp.sweeps.plots import objective_by_key

    files = [folder / CSV]
    with replacing(folder / CSV) as aside:
        aside.write_text(csv_table(jobs, outcomes, objective), encoding="utf-8")
    best = best_job(jobs, outcomes, minimize)
    if best is not None:
        files.append(folder / BEST)
        with replacing(folder / BEST) as aside:
            aside.write_text(_config(best, outcomes[best.number], objective, len(jobs), folder), encoding="utf-8")
    files.append(folder / PARALLEL)
    parallel_coordinates(jobs, outcomes, objective, minimize, folder / PARALLEL)
    return files + objective_by_key(jobs, outcomes, objective, minimize, folder)


def run_again(folder: Path) -> str:
    """The command that runs a sweep's best config."""
    return f"catdog --config-path {shlex.quote(str(folder))} --config-name {Path(BEST).stem}"


def spreads_of(jobs: Sequence[Job], outcomes: Mapping[int, Outcome]) -> list[Spread]:
    """The objectives of jobs that differ in their seed alone; those that were given up early do not count."""
    values = [
        (flat(job.settings), value)
        for job in jobs
        if (value := value_of(outcomes.get(job.number))) is not None and outcomes[job.number].status != "pruned"
    ]
    return spreads(values)


def figures(
    jobs: Sequence[Job], outcomes: Mapping[int, Outcome], objective: str, spreads: Sequence[Spread]
) -> dict[str, float]:
    """What there is to say of a sweep in numbers."""
    ended = [outcomes[job.number] for job in jobs if job.number in outcomes]
    values = [each.objective for each in ended if each.status in ("finished", "reused") and each.objective is not None]
    found: dict[str, float] = {}
    if values:  # first: MLflow compares runs by the metric that came first
        best = min(values) if is_minimized(objective) else max(values)
        found |= {"objective": best, "objective/mean": sum(values) / len(values)}
    if len(spreads) == 1:
        found["objective/deviation"] = spreads[0].deviation
    return found | {
        "jobs/finished": sum(each.has_result for each in ended),
        "jobs/failed": sum(each.status == "failed" for each in ended),
        "jobs/seconds": sum(each.seconds for each in ended),
    }


def _config(job: Job, outcome: Outcome, objective: str, count: int, folder: Path) -> str:
    run = "" if outcome.run_id is None else f", run {outcome.run_id}"
    first = f"# The best of {count} jobs: job {job.number}, {objective} {outcome.objective!r}{run}\n"
    settings = yaml.safe_dump(hidden(job.settings), sort_keys=False, allow_unicode=True)
    return f"{first}# {run_again(folder)}\n{settings}"
