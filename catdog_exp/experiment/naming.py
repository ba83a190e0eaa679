"""What runs are called, in lists and on MLflow's pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catdog_exp.experiment.parameters import is_path, parameters
from catdog_exp.tables import short_keys

LONGEST = 120  # characters


def run_name(settings: Mapping[str, Any], words: Sequence[str]) -> str:
    """The name of a single run: its recipe or network, its pictures, and what its words set besides.

    settings: the whole config. words: what the user changed.
    """
    chosen = settings.get("chosen", {})
    what = chosen.get("experiment") or chosen.get("model") or "run"
    if "train" not in settings.get("stages", ["train"]) and (judged := settings["predict"]["run"]):
        what = f"network of {judged[:8]}"
    pictures = f"{chosen.get('data', 'pictures')}, {settings['data']['resize']} px"
    keys = {word.lstrip("+").partition("=")[0] for word in words}
    own = {key: value for key, value in parameters(settings).items() if key in keys and key != "data.resize"}
    return _cut(", ".join([f"{what} on {pictures}", *([in_words(own)] if own else [])]))


def job_name(differs: Mapping[str, Any]) -> str:
    """The name of a sweep's job: the values that it has other than the sweep's other jobs, `layers=4 lr=0.003`."""
    return _cut(in_words({key: value for key, value in differs.items() if not is_path(value)}))


def sweep_name(keys: Sequence[str], jobs: int | None) -> str:
    """The name of a sweep: what it varies, and how many jobs it has; None: as many as its answer takes."""
    if jobs is None:
        return _cut(f"answer: {' × '.join(keys)}")
    return _cut(f"{' × '.join(keys) or 'sweep'}, {jobs} job{'s' * (jobs != 1)}")


def in_words(values: Mapping[str, Any]) -> str:
    """`layers=4 lr=0.003`: keys by their last part where that tells them apart, numbers by three digits."""
    keys = short_keys(list(values))
    return " ".join(f"{key}={_shown(value)}" for key, value in zip(keys, values.values(), strict=True))


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
