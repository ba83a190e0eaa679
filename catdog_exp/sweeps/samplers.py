"""What a search tries next, and which trials it gives up, by Optuna's names."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from catdog_exp.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

Sampler = Literal["tpe", "random", "cmaes", "grid"]
Pruner = Literal["median", "hyperband", "asha", "none"]


def check_sampler(name: Sampler, space: Mapping[str, BaseDistribution], objectives: int) -> None:
    """Raise UserError where the sampler cannot search this space, or so many objectives, or its package is missing."""
    if name == "cmaes":
        if importlib.util.find_spec("cmaes") is None:
            raise UserError("hydra.sweeper.sampler=cmaes needs the package cmaes: `pip install catdog-exp[optuna]`")
        if objectives > 1:
            raise UserError("hydra.sweeper.sampler=cmaes searches for one objective: choose tpe, random or grid")
    if name == "grid":
        combinations(space)


def sampler(name: Sampler, seed: int, startup_trials: int) -> BaseSampler:
    """The sampler of one trial; of a grid, what its combinations leave open: nothing."""
    from optuna import samplers

    if name == "tpe":
        return samplers.TPESampler(seed=seed, n_startup_trials=startup_trials, multivariate=True, constant_liar=True)
    if name == "cmaes":
        quiet: dict[str, Any] = {"warn_independent_sampling": False}
        return samplers.CmaEsSampler(seed=seed, n_startup_trials=startup_trials, **quiet)
    return samplers.RandomSampler(seed=seed)


def pruner(name: Pruner, startup_trials: int, warmup_epochs: int) -> BasePruner:
    """What gives trials up, by the values of their epochs."""
    from optuna import pruners

    if name == "median":
        # Optuna counts the first epoch as step 0.
        return pruners.MedianPruner(n_startup_trials=startup_trials, n_warmup_steps=max(warmup_epochs - 1, 0))
    if name == "asha":
        return pruners.SuccessiveHalvingPruner(min_resource=max(warmup_epochs, 1), reduction_factor=3)
    if name == "hyperband":
        return pruners.HyperbandPruner(min_resource=max(warmup_epochs, 1), reduction_factor=3)
    return pruners.NopPruner()


def combinations(space: Mapping[str, BaseDistribution]) -> list[dict[str, Any]]:
    """All combinations of the values, in order. Raises UserError for a range whose values cannot be counted."""
    return [
        dict(zip(space, values, strict=True))
        for values in itertools.product(*(_values(key, kind) for key, kind in space.items()))
    ]


def _values(key: str, kind: Any) -> Iterable[Any]:
    if (choices := getattr(kind, "choices", None)) is not None:
        return list(choices)
    if kind.step is None:
        raise UserError(f"{key}: a grid has no end of these; name values, or choose another hydra.sweeper.sampler")
    count = round((kind.high - kind.low) / kind.step) + 1
    # Rounded as people would write them: 0.3, not 0.30000000000000004.
    return [round(kind.low + number * kind.step, 12) for number in range(count)]
