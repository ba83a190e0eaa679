"""What a search may try, and how it goes, as it is when its sweep starts."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, open_dict
from pydantic import Field

from catdog_exp.errors import UserError
from catdog_exp.experiment.checks import check
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.identity import relevant
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import absolute, changed, plain
from catdog_exp.sweeps.passwords import hidden, hide, restored
from catdog_exp.sweeps.samplers import Pruner, Sampler
from catdog_exp.sweeps.space import ends_of, groups, split

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

FILE = "optuna.db"  # in paths.outputs, beside MLflow's


@dataclass(frozen=True)
class SearchConfig:
    """How a search goes. Keys: conf/hydra/sweeper/search.yaml."""

    n_trials: Annotated[int, Field(ge=1)]
    n_minutes: Annotated[float, Field(gt=0)] | None
    sampler: Sampler
    pruner: Pruner
    objectives: list[Literal["objective", "seconds"]]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    startup_trials: Annotated[int, Field(ge=1)]
    warmup_epochs: Annotated[int, Field(ge=0)]
    params: dict[str, str]


@dataclass(frozen=True)
class SearchPlan:
    """What a search tries, as it was when its sweep started: files that are edited meanwhile change nothing.

    words: what all its trials have. bases: for each combination of the `groups` that are searched, the composed
    config, with its references unresolved: a value that is searched may be meant.
    """

    storage: Path
    study: str
    config: SearchConfig
    words: list[str]
    space: dict[str, BaseDistribution]
    groups: list[str]
    bases: dict[str, DictConfig]

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The whole config, resolved and without Hydra's section, of a trial with these values, by key.

        Raises UserError for a key that the config does not have.
        """
        base = self.bases[_combination({key: values[key] for key in self.groups})]
        return _settings(base, [f"{key}={value}" for key, value in values.items() if key not in self.groups])


def planned(config: DictConfig, loader: ConfigLoader, chosen: SearchConfig, arguments: Sequence[str]) -> SearchPlan:
    """The search of a sweep with this config and these words. Raises UserError for a space that cannot be."""
    from optuna.distributions import distribution_to_json

    words, space = split([*(f"{key}={value}" for key, value in chosen.params.items()), *arguments], loader)
    if not space:
        raise UserError("nothing is searched: choose sweep=optuna, or give hydra.sweeper.params.KEY=choice(...)")
    searched = groups(space, loader)
    single = {key: kind for key, kind in space.items() if key not in searched}
    bases: dict[str, DictConfig] = {}
    parts: list[Any] = [chosen.seed, *chosen.objectives[1:], *[chosen.sampler] * (chosen.sampler != "tpe")]
    for choices in itertools.product(*searched.values()):
        combination = dict(zip(searched, choices, strict=True))
        base = loader.load_sweep_config(config, [*words, *(f"{key}={name}" for key, name in combination.items())])
        with open_dict(base):
            base.pop("hydra")
            base.paths.outputs = absolute(base.paths.outputs)
        hide(base)
        bases[_combination(combination)] = base
        for end in (0, -1):  # what is wrong with the space shows at its ends, if anywhere
            ends = _settings(base, [f"{key}={ends_of(kind)[end]}" for key, kind in single.items()])
            check(read(RunConfig, restored(ends)))
        held = _settings(base, [f"{key}=null" for key in single])
        parts.append([relevant(held), {key: value for key, value in held["data"].items() if key != "threads"}])
    written = {key: distribution_to_json(kind) for key, kind in space.items()}
    name = hashlib.sha256(json.dumps([*parts, written], sort_keys=True).encode()).hexdigest()[:32]
    storage = Path(next(iter(bases.values())).paths.outputs) / FILE
    return SearchPlan(storage, name, chosen, words, space, list(searched), bases)


def _settings(base: DictConfig, words: Sequence[str]) -> dict[str, Any]:
    return dict(hidden(plain(changed(base, words))))


def _combination(choices: Mapping[str, Any]) -> str:
    return json.dumps(choices, sort_keys=True)
