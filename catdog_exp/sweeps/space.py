"""What a search may try: Hydra's words for ranges of values, as Optuna's distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep

from catdog_exp.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def split(words: Sequence[str], loader: ConfigLoader) -> tuple[list[str], dict[str, BaseDistribution]]:
    """The words that hold one value, and what the others may be, by key; of two words for a key the last one counts.

    A choice is kept as the text of each value, so that it may be anything that YAML can say.
    Raises UserError for a range without values.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(words))
    last = {override.get_key_element(): override for override in overrides}
    fixed = [str(override.input_line) for override in last.values() if not override.is_sweep_override()]
    space = {key: _distribution(override) for key, override in last.items() if override.is_sweep_override()}
    return fixed, space


def _distribution(override: Override) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    try:
        if isinstance(value, ChoiceSweep | Glob):
            return CategoricalDistribution(list(override.sweep_string_iterator()))
        assert isinstance(value, RangeSweep | IntervalSweep)
        log = "log" in value.tags
        if isinstance(value, IntervalSweep):
            low, high = value.start, value.end
            whole = isinstance(low, int) and isinstance(high, int)
            return (IntDistribution if whole else FloatDistribution)(low, high, log=log)  # type: ignore[arg-type]
        values = list(value.range())
        whole = all(isinstance(item, int) for item in values)
        if log and whole:
            return IntDistribution(min(values), max(values), log=True)
        kind, step = (IntDistribution, int) if whole else (FloatDistribution, float)
        return kind(min(values), max(values), step=abs(step(value.step)))  # type: ignore[arg-type]
    except (ValueError, IndexError) as error:
        raise UserError(f"{override.input_line}: nothing can be searched here ({error})") from None


def groups(space: dict[str, BaseDistribution], loader: ConfigLoader) -> dict[str, list[str]]:
    """Those keys of the space that choose a file of a config group, with their choices."""
    return {
        key: list(distribution.choices)  # type: ignore[attr-defined]
        for key, distribution in space.items()
        if loader.get_group_options(key)
    }


def ends_of(distribution: Any) -> tuple[Any, Any]:
    """The first and the last value of one of Optuna's distributions."""
    values = getattr(distribution, "choices", None) or (distribution.low, distribution.high)
    return values[0], values[-1]
