"""The trials that earlier commands of a search have ended, as jobs of the sweep that goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.experiment.config import RunConfig
from catdog_exp.packs.plan import PackPlan
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import OUTCOME, Job, Outcome, freeze, write
from catdog_exp.sweeps.planning import fingerprint_of, keys
from catdog_exp.tracking.run_lookup import earlier_runs

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def recall(
    folder: Path, trials: list[FrozenTrial], words: list[str], settings: Callable[[dict[str, Any]], dict[str, Any]]
) -> int:
    """Write these ended trials down as the first jobs of the sweep in `folder`. Returns how many they are.

    words: that all trials have. settings: gives a trial's whole config, by its parameters.
    """
    from optuna.trial import TrialState

    packs: dict[str, PackPlan] = {}
    jobs = []
    for number, trial in enumerate(trials):
        own = [f"{key}={value}" for key, value in trial.params.items()]
        config = settings(trial.params)
        jobs.append(Job(number, [*words, *own], keys(own), config, fingerprint_of(config, packs)))
    freeze(folder, jobs)
    runs = {}
    if jobs:
        runs = earlier_runs(read(RunConfig, jobs[0].settings).tracking, [job.fingerprint for job in jobs])
    for job, trial in zip(jobs, trials, strict=True):
        run = runs.get(job.fingerprint)
        values = trial.intermediate_values
        pruned = trial.state == TrialState.PRUNED
        (folder / str(job.number)).mkdir()
        write(
            folder / str(job.number) / OUTCOME,
            Outcome(
                "pruned" if pruned else "reused",
                values[max(values)] if pruned and values else trial.value,
                run.run_id if run else None,
                run.link if run else "",
                trial.duration.total_seconds() if trial.duration else 0.0,
                "by an earlier command" if pruned else "",
            ),
        )
    return len(jobs)
