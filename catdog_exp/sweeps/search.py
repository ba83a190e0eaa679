"""A sweep that searches: each job tries what an Optuna study proposes when it starts, and tells it what came out.

So all places are busy to the end, and each trial knows of all that ended before it.
"""

from __future__ import annotations

import importlib.util
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.packs.plan import PackPlan
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import Job, Jobs, Outcome, TrialOf
from catdog_exp.sweeps.passwords import restored
from catdog_exp.sweeps.planning import fingerprint_of, keys
from catdog_exp.sweeps.samplers import check_sampler, combinations, sampler
from catdog_exp.sweeps.search_plan import SearchConfig, SearchPlan, planned
from catdog_exp.sweeps.search_results import in_lines, in_pictures
from catdog_exp.sweeps.study import PRUNER, STARTUP, WARMUP, Direction, alone, opened, own, standing
from catdog_exp.tracking.run_lookup import Earlier, earlier_runs
from catdog_exp.training.objective import is_minimized

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

SEARCHED = "searched_seconds"  # what a study notes: how long commands have searched


class Trials(Jobs):
    """The trials of a search that are missing: those complete or given up count, also those of earlier commands.

    These come first, as jobs that have ended. A failed trial is replaced by another, up to n_trials jobs in all.
    """

    def __init__(self, plan: SearchPlan, study: Study, folder: Path, objective: str) -> None:
        """folder: the sweep's. objective: the config's."""
        from optuna.trial import TrialState

        ended = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
        super().__init__()
        self.trials = plan.config.n_trials
        self._grid = combinations(plan.space) if plan.config.sampler == "grid" else None
        if self._grid is not None:
            self.trials = min(self.trials, len(self._grid))
        self._objective = objective
        self._began, self._searched = time.monotonic(), study.user_attrs.get(SEARCHED, 0.0)
        self._plan, self._study, self._folder = plan, study, folder
        self._packs: dict[str, PackPlan] = {}
        self._ended = ended
        for trial in ended:
            self._add(trial.params, None)
        self._left = self.trials  # that this command may begin
        self._none_now = False  # until a trial ends

    def reuse(self, common: RunConfig, earlier: Mapping[str, Earlier]) -> None:
        """Take the outcomes of the trials that have ended. earlier: their runs, by fingerprint."""
        from optuna.trial import TrialState

        self._tracking = common.tracking
        for job, trial in zip(self.jobs, self._ended, strict=True):
            run = earlier.get(job.fingerprint)
            values = trial.intermediate_values
            pruned = trial.state == TrialState.PRUNED
            self.outcomes[job.number] = Outcome(
                "pruned" if pruned else "reused",
                values[max(values)] if pruned and values else (trial.values or [None])[0],
                run.run_id if run else None,
                run.link if run else "",
                trial.duration.total_seconds() if trial.duration else 0.0,
                "by an earlier command" if pruned else "",
            )

    def next(self) -> Job | None:
        """The next trial, begun; first one that a process that is gone has left, so that its run goes on."""
        while self._left > 0 and not self._none_now:
            if (trial := self._taken()) is None:
                self._none_now = True
                return None
            self._left -= 1
            try:
                return self._add(trial.params, TrialOf(str(self._plan.storage), self._plan.study, trial.number))
            except UserError as error:  # a combination that no network or picture allows
                self.end(self.jobs[-1], Outcome("failed", reason=str(error)))
        return None

    def end(self, job: Job, outcome: Outcome) -> None:
        """Tell the study how a trial ended, where nobody else has. One that was stopped is left to the same command."""
        from optuna.trial import TrialState

        super().end(job, outcome)
        self._none_now = False
        if job.trial is None or outcome.status == "stopped":
            return
        value, state = outcome.objective, None
        values: list[float] | None = None
        if outcome.status == "pruned" or value is None or math.isnan(value):
            state = TrialState.PRUNED if outcome.status == "pruned" else TrialState.FAIL
        else:
            values = [value, self._seconds(job, outcome)][: len(self._study.directions)]
        self._study.tell(job.trial.number, values, state, skip_if_finished=True)
        self._study.set_user_attr(SEARCHED, self._searched + time.monotonic() - self._began)

    def _seconds(self, job: Job, outcome: Outcome) -> float:
        """That a job took, with those that an earlier attempt at it has worked."""
        took = outcome.seconds if outcome.status == "finished" else 0.0
        if len(self._study.directions) == 1:
            return took
        earlier = earlier_runs(self._tracking, [job.fingerprint]).get(job.fingerprint)
        return max(took, earlier.seconds if earlier else 0.0)

    def _add(self, values: Mapping[str, Any], trial: TrialOf | None) -> Job:
        """The job that tries these values. Raises UserError where it cannot be run; it is added all the same."""
        own = [f"{key}={value}" for key, value in values.items()]  # a choice is a text to the search
        settings = self._plan.settings(values)
        self.jobs.append(Job(len(self.jobs), [*self._plan.words, *own], keys(own), settings, "", trial=trial))
        self.jobs[-1] = replace(self.jobs[-1], fingerprint=fingerprint_of(restored(settings), self._packs))
        return self.jobs[-1]

    def _taken(self) -> Trial | None:
        """A trial for this sweep; None when nothing is left to do."""
        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import PartialFixedSampler
        from optuna.trial import Trial

        chosen, study = self._plan.config, self._study
        searched = self._searched + time.monotonic() - self._began
        with alone(self._plan.storage):
            seen = standing(study, self._folder)
            sure = seen.done + len(seen.alive)
            wanted = self.trials or 0
            if sure >= wanted:
                return None
            if not seen.left and sure + len(seen.elsewhere) < wanted:
                if chosen.n_minutes is not None and searched > chosen.n_minutes * 60:
                    return None
                # Of the trial's number: so a search that was interrupted tries what it would have tried.
                seed = chosen.seed + len(study.get_trials(deepcopy=False))
                study.sampler = sampler(chosen.sampler, seed, chosen.startup_trials)
                if self._grid is not None:
                    if (values := self._untried(self._grid)) is None:
                        return None
                    with warnings.catch_warnings():  # that Optuna may change how it is called
                        warnings.simplefilter("ignore", ExperimentalWarning)
                        study.sampler = PartialFixedSampler(values, study.sampler)
                trial = study.ask(self._plan.space)
            else:
                trial = Trial(study, (seen.left or seen.elsewhere)[0]._trial_id)
            own(trial, self._folder)
            return trial

    def _untried(self, grid: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The first combination of a grid that has neither a result nor been begun by this command."""
        from optuna.trial import TrialState

        trials = self._study.get_trials(deepcopy=False)
        begun = {job.trial.number for job in self.jobs if job.trial is not None}
        tried = [each.params for each in trials if each.state != TrialState.FAIL or each.number in begun]
        return next((values for values in grid if values not in tried), None)

    def conclusion(self) -> list[str]:
        """How far the study is, what is best, and how much each key matters, in lines."""
        return in_lines(self._study, self._by_trial(), self._objective, self.trials)

    def pictures(self, folder: Path) -> list[Path]:
        """Draw how much each key matters, and of two objectives the Pareto front."""
        return in_pictures(self._study, self._by_trial(), self._objective, folder)

    def _by_trial(self) -> dict[int, Job]:
        ended = zip(self._ended, self.jobs, strict=False)  # the first jobs are those
        return {job.trial.number: job for job in self.jobs if job.trial is not None} | {
            trial.number: job for trial, job in ended
        }


def trials(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> Trials:
    """The search that a sweep with this config and these words is.

    Raises UserError: no Optuna; a space that the config has no room for; a storage that cannot be used.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UserError("a search needs Optuna: `pip install catdog-exp[optuna]`")
    settings = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    assert isinstance(settings, dict)
    chosen = read(
        SearchConfig, {str(key): value for key, value in settings.items() if key != "_target_"}, "hydra.sweeper"
    )
    plan = planned(config, loader, chosen, words)
    if chosen.objectives not in (["objective"], ["objective", "seconds"]):
        raise UserError(f"hydra.sweeper.objectives={chosen.objectives}: [objective] or [objective,seconds]")
    check_sampler(chosen.sampler, plan.space, len(chosen.objectives))
    plan.storage.parent.mkdir(parents=True, exist_ok=True)
    directions: list[Direction] = ["minimize" if is_minimized(str(config.objective)) else "maximize"]
    study = opened(plan.storage, plan.study, create=[*directions, "minimize"][: len(chosen.objectives)])
    study.set_user_attr(PRUNER, chosen.pruner)
    study.set_user_attr(STARTUP, chosen.startup_trials)
    study.set_user_attr(WARMUP, chosen.warmup_epochs)
    return Trials(plan, study, Path(config.hydra.sweep.dir).absolute(), str(config.objective))
