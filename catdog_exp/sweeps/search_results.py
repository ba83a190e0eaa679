"""What a search has found: the best trial or the Pareto front, and how much each key matters, in words and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.sweeps.jobs import Job
from catdog_exp.sweeps.search_plots import importance_plot, pareto_plot
from catdog_exp.sweeps.words import described
from catdog_exp.training.objective import is_minimized

if TYPE_CHECKING:
    from optuna import Study

LEAST_TOLD = 8  # complete trials, from which on importances mean something
Point = tuple[Job, float, float]  # a trial of two objectives: job, objective, seconds


def in_lines(study: Study, jobs: Mapping[int, Job], objective: str, wanted: int | None) -> list[str]:
    """How far the study is, what is best, and how much each key matters.

    jobs: by the number of their trial. objective: the config's. wanted: how many trials there are to be.
    """
    from optuna.trial import TrialState

    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    complete, pruned = states.count(TrialState.COMPLETE), states.count(TrialState.PRUNED)
    line = f"search: {complete + pruned} of {wanted} trials, {pruned} of them given up early"
    if complete and len(study.directions) == 1:
        best = " ".join(f"{key}={value}" for key, value in study.best_params.items())
        line += f"; best {study.best_value:.4f} with {best}"
    lines = [line]
    if front := _front(_points(study, jobs), is_minimized(objective)):
        each = [f"{value:.4f} in {seconds:.1f} s ({described(job)})" for job, value, seconds in front]
        lines.append(f"Pareto front of {objective} against seconds: {', '.join(each)}")
    if importances := _importances(study):
        each = [f"{key} {share:.2f}" for key, share in importances.items()]
        lines.append(f"importance of the keys (PED-ANOVA): {', '.join(each)}")
    return lines


def in_pictures(study: Study, jobs: Mapping[int, Job], objective: str, folder: Path) -> list[Path]:
    """Draw how much each key matters, and of two objectives all trials with their front, into `folder`."""
    files = []
    if importances := _importances(study):
        files.append(folder / "importances.png")
        importance_plot(importances, files[-1])
    points = _points(study, jobs)
    if points:
        files.append(folder / "pareto_front.png")
        pareto_plot(points, _front(points, is_minimized(objective)), objective, files[-1])
    return files


def _points(study: Study, jobs: Mapping[int, Job]) -> list[Point]:
    """The trials that are complete, where there are two objectives."""
    if len(study.directions) == 1:
        return []
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.values is not None]
    return [(jobs[trial.number], *trial.values) for trial in trials if trial.number in jobs]


def _front(points: Sequence[Point], minimize: bool) -> list[Point]:
    """Of them those that no other one betters in both, the quickest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda each: (each[2], each[1] if minimize else -each[1])):
        if not front or (point[1] < front[-1][1] if minimize else point[1] > front[-1][1]):
            front.append(point)
    return front


def _importances(study: Study) -> dict[str, float]:
    """How much each key matters for what came out, 1 in all; none before there is something to tell."""
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < LEAST_TOLD or len(complete[0].params) < 2:
        return {}
    return get_param_importances(study)
