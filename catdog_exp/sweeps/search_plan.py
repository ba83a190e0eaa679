"""What a search tries, as it was when its sweep started: files that are edited meanwhile change nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict
from pydantic import Field

from catdog_exp.errors import UserError
from catdog_exp.experiment.checks import check
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.identity import relevant
from catdog_exp.reading import read
from catdog_exp.sweeps.composed import absolute
from catdog_exp.sweeps.passwords import hide, restored
from catdog_exp.sweeps.space import ends_of, groups, put, split

FILE = "optuna.db"  # in paths.outputs, beside MLflow's


@dataclass(frozen=True)
class SearchConfig:
    """How a search goes. Keys: conf/hydra/sweeper/search.yaml."""

    n_trials: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    startup_trials: Annotated[int, Field(ge=1)]
    warmup_epochs: Annotated[int, Field(ge=0)]
    params: dict[str, str]


@dataclass(frozen=True)
class SearchPlan:
    """A search as it was when its sweep started.

    words: what all its trials have. space: Optuna's distributions, as it writes them. bases: for each combination of
    the groups that are searched, the composed config as YAML, with its references unresolved.
    """

    storage: str
    study: str
    n_trials: int
    seed: int
    startup_trials: int
    words: list[str]
    space: dict[str, str]
    groups: list[str]
    bases: dict[str, str]

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The whole config, resolved and without Hydra's section, of a trial with these values, by key.

        Raises UserError for a key that the config does not have.
        """
        base = self.bases[_combination({key: values[key] for key in self.groups})]
        words = [f"{key}={value}" for key, value in values.items() if key not in self.groups]
        return restored(_settings(base, words))


def planned(config: DictConfig, loader: ConfigLoader, chosen: SearchConfig, arguments: Sequence[str]) -> SearchPlan:
    """The search that a sweep with this config and these words is. Raises UserError as `search` does."""
    from optuna.distributions import distribution_to_json

    words, space = split([*(f"{key}={value}" for key, value in chosen.params.items()), *arguments], loader)
    if not space:
        raise UserError("nothing is searched: choose sweep=optuna, or give hydra.sweeper.params.KEY=choice(...)")
    searched = groups(space, loader)
    plain = {key: kind for key, kind in space.items() if key not in searched}
    bases: dict[str, str] = {}
    parts: list[Any] = [chosen.seed]
    for choices in itertools.product(*searched.values()):
        combination = dict(zip(searched, choices, strict=True))
        composed = loader.load_sweep_config(config, [*words, *(f"{key}={name}" for key, name in combination.items())])
        base = bases[_combination(combination)] = _frozen(composed)
        for end in (0, -1):  # what is wrong with the space shows at its ends, if anywhere
            ends = _settings(base, [f"{key}={ends_of(kind)[end]}" for key, kind in plain.items()])
            check(read(RunConfig, ends))
        held = _settings(base, [f"{key}=null" for key in plain])
        parts.append([relevant(held), {key: value for key, value in held["data"].items() if key != "threads"}])
    written = {key: distribution_to_json(kind) for key, kind in space.items()}
    name = hashlib.sha256(json.dumps([*parts, written], sort_keys=True).encode()).hexdigest()[:32]
    file = str(Path(OmegaConf.create(base).paths.outputs) / FILE)
    return SearchPlan(
        file, name, chosen.n_trials, chosen.seed, chosen.startup_trials, words, written, list(searched), bases
    )


def _frozen(composed: DictConfig) -> str:
    """A composed config as YAML without Hydra's section; references stay, as a value that is searched may be meant."""
    with open_dict(composed):
        composed.pop("hydra")
        composed.paths.outputs = absolute(composed.paths.outputs)
    hide(composed)
    return OmegaConf.to_yaml(composed)


def _settings(base: str, words: Sequence[str]) -> dict[str, Any]:
    config = OmegaConf.create(base)
    assert isinstance(config, DictConfig)
    OmegaConf.set_struct(config, True)
    put(config, words)
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def _combination(choices: Mapping[str, Any]) -> str:
    return json.dumps(choices, sort_keys=True)
