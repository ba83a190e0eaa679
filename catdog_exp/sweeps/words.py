"""Settings, jobs and times in words, as tables and plots show them."""

from __future__ import annotations

import json
from typing import Any

from catdog_exp.sweeps.jobs import Job
from catdog_exp.tables import cut
from catdog_exp.tracking.uris import without_password

LONGEST_SETTINGS = 100  # letters of a job's settings in a line of the log


def exact(value: Any) -> str:
    """A setting as a command line takes it: `3`, `null`, `[2,3]`, `adam`; the password of a URI is `***`."""
    text = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    )
    return without_password(text)


def shown(value: Any) -> str:
    """A setting for people, in one line: as `exact` has it, but numbers with four digits."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    text = f"{value:.4g}" if isinstance(value, float) else exact(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def described(job: Job) -> str:
    """`job 3 (model.layers=3, data.resize=64)`."""
    settings = ", ".join(f"{key}={shown(value)}" for key, value in job.differs.items())
    return f"job {job.number}" + (f" ({cut(settings, LONGEST_SETTINGS)})" if settings else "")


def clock(seconds: float) -> str:
    """A time that something took: `0:01:12`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def roughly(seconds: float) -> str:
    """A time that something will take: `40 seconds`, `1 minute`, `3 hours 10 minutes`."""
    return " ".join(f"{number} {unit}{'s' * (number != 1)}" for number, unit in _rounded(seconds))


def briefly(seconds: float) -> str:
    """The same where room is short: `40 s`, `1 min`, `3 h 10 min`."""
    short = {"second": "s", "minute": "min", "hour": "h"}
    return " ".join(f"{number} {short[unit]}" for number, unit in _rounded(seconds))


def _rounded(seconds: float) -> list[tuple[int, str]]:
    if seconds < 59.5:
        return [(max(1, round(seconds)), "second")]
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return [(number, unit) for number, unit in ((hours, "hour"), (minutes, "minute")) if number]
