"""Jobs and outcomes as a sweep leaves them."""

from typing import Any

from catdog_exp.sweeps.jobs import Job, Outcome


def job(number: int, **differs: Any) -> Job:
    """Keys with `__` for the dot: `job(3, model__layers=2)`."""
    dotted = {key.replace("__", "."): value for key, value in differs.items()}
    nested: dict[str, Any] = {"data": {"resize": 32}, "train": {"epochs": 2}}
    for key, value in dotted.items():
        *sections, last = key.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return Job(number, [f"{key}={value}" for key, value in dotted.items()], dotted, nested, f"{number:032x}")


def finished(value: float, seconds: float = 72.0, run: str = "1a2b3c4d" * 4) -> Outcome:
    return Outcome("finished", value, run, f"http://localhost:5000/#/experiments/1/runs/{run}", seconds)


def failed(reason: str) -> Outcome:
    return Outcome("failed", None, "5e6f7a8b" * 4, "", 3.0, reason)
