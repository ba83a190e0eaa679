"""A sweep that searches: each job asks an Optuna study what to try when it starts, and tells it what came out.

So all of a launcher's workers are busy to the end, wherever they are, and each trial knows of all that ended before it.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.reading import read
from catdog_exp.sweeps.jobs import TrialOf
from catdog_exp.sweeps.pruning import STARTUP, WARMUP
from catdog_exp.sweeps.recalling import recall
from catdog_exp.sweeps.search_plan import SearchConfig, SearchPlan, planned
from catdog_exp.sweeps.study import Direction, Standing, begun, locked, opened, own, standing
from catdog_exp.training.objective import is_minimized

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

PLAN = "search.json"  # in the sweep's folder

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proposal:
    """What a job is to try.

    overrides: the words that make it. differs: those of them that the search has chosen, by key.
    settings: the whole config, resolved, without Hydra's section.
    """

    trial: TrialOf
    overrides: list[str]
    differs: dict[str, Any]
    settings: dict[str, Any]


def search(
    config: DictConfig,
    loader: ConfigLoader,
    settings: Mapping[str, Any],
    arguments: Sequence[str],
    launch: Callable[[Sequence[str], int, int], None],
) -> None:
    """Do what is missing of the study's n_trials: those complete or given up count, also those of earlier commands.

    A failed trial is replaced by another, up to n_trials jobs in all. settings: the keys of SearchConfig.
    launch: runs jobs with these words, so many, the first of them of this number; it returns when they have ended.

    Raises UserError: no Optuna; a space that the config has no room for; a storage that cannot be used.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UserError("a search needs Optuna: `pip install catdog-exp[optuna]`")
    chosen = read(SearchConfig, settings, "hydra.sweeper")
    folder = Path(config.hydra.sweep.dir).absolute()
    plan = planned(config, loader, chosen, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "multirun.yaml")
    with replacing(folder / PLAN) as aside:
        aside.write_text(json.dumps(asdict(plan)), encoding="utf-8")
    _make_study(plan, chosen, str(config.objective))
    first = _recalled(plan, folder)
    missing, begun_before = _count(plan, folder)
    launched = 0
    while (count := min(missing, plan.n_trials - launched)) > 0:
        launch(plan.words, count, first + launched)
        launched += count
        missing, begun_now = _count(plan, folder)
        if begun_now == begun_before:  # the sweep was stopped, or another one does what is missing
            break
        begun_before = begun_now
    _say_best(plan)


def take(folder: Path, number: int) -> Proposal | None:
    """What job `number` of the search in `folder` is to try; None when nothing is left to do.

    First what a process that is gone has begun, so that its run goes on; the same again when a job is launched again.
    Raises UserError when the study cannot be used.
    """
    folder = folder.absolute()
    plan = SearchPlan(**json.loads((folder / PLAN).read_text(encoding="utf-8")))
    with locked(Path(plan.storage), plan.study) as study:
        trial = _next(plan, study, standing(study, folder, number))
        if trial is None:
            return None
        own(trial, folder, number)
    values = dict(trial.params)
    words = [*plan.words, *(f"{key}={value}" for key, value in values.items())]
    of = TrialOf(plan.storage, plan.study, trial.number)
    return Proposal(of, words, values, plan.settings(values))


def tell(trial: TrialOf, value: float | None, *, pruned: bool = False) -> None:
    """Tell the study how a trial ended: with a value, given up by its pruner, or failed (None, or not a number).

    A trial that another process has finished meanwhile stays as it is. Raises UserError when the study cannot be used.
    """
    from optuna.trial import TrialState

    study = opened(Path(trial.storage), trial.study)
    if pruned:
        study.tell(trial.number, state=TrialState.PRUNED, skip_if_finished=True)
    elif value is None or math.isnan(value):
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    else:
        study.tell(trial.number, value, skip_if_finished=True)


def _next(plan: SearchPlan, study: Study, seen: Standing) -> Trial | None:
    from optuna.distributions import json_to_distribution
    from optuna.samplers import TPESampler
    from optuna.trial import Trial

    sure = seen.done + len(seen.alive)
    if sure >= plan.n_trials:
        return None
    if not seen.left and sure + len(seen.elsewhere) < plan.n_trials:
        # Of the trial's number: so a search that was interrupted tries what it would have tried.
        seed = plan.seed + len(study.get_trials(deepcopy=False))
        study.sampler = TPESampler(seed=seed, n_startup_trials=plan.startup_trials, multivariate=True)
        return study.ask({key: json_to_distribution(text) for key, text in plan.space.items()})
    return Trial(study, (seen.left or seen.elsewhere)[0]._trial_id)


def _make_study(plan: SearchPlan, chosen: SearchConfig, objective: str) -> None:
    direction: Direction = "minimize" if is_minimized(objective) else "maximize"
    Path(plan.storage).parent.mkdir(parents=True, exist_ok=True)
    with locked(Path(plan.storage), plan.study, create=direction) as study:
        study.set_user_attr(STARTUP, chosen.startup_trials)
        study.set_user_attr(WARMUP, chosen.warmup_epochs)


def _recalled(plan: SearchPlan, folder: Path) -> int:
    """Write the trials that earlier commands have ended into `folder`. Returns how many they are."""
    from optuna.trial import TrialState

    ended = opened(Path(plan.storage), plan.study).get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    return recall(folder, ended, plan.words, plan.settings)


def _count(plan: SearchPlan, folder: Path) -> tuple[int, int]:
    """How many trials are missing, and how many the sweep in `folder` has begun."""
    with locked(Path(plan.storage), plan.study) as study:
        seen = standing(study, folder)
        return plan.n_trials - seen.done - len(seen.alive), begun(study, folder)


def _say_best(plan: SearchPlan) -> None:
    from optuna.trial import TrialState

    study = opened(Path(plan.storage), plan.study)
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = sum(trial.state == TrialState.PRUNED for trial in trials)
    line = f"search: {len(complete) + pruned} of {plan.n_trials} trials, {pruned} of them given up early"
    if complete:
        best = " ".join(f"{key}={value}" for key, value in study.best_params.items())
        line += f"; best {study.best_value:.4f} with {best}"
    log.info("%s", line)
