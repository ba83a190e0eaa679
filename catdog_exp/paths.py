"""Paths as people write them."""

from __future__ import annotations

import os
import re
from typing import Annotated

from pydantic import AfterValidator

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def expanded(path: str) -> str:
    """`path` with the user's home in place of a leading `~`, and values in place of `$VARIABLES`.

    A part that is there under that very name is meant as it stands. Raises ValueError for a variable that is not set
    or is empty, for a pattern as `*.jpg`, and for an empty path.
    """
    if not path:
        raise ValueError("is empty: name a file or folder")
    parts: list[str] = []
    for part in os.path.expanduser(path).split("/"):  # noqa: PTH111 - which raises where there is no such user
        stands = os.path.lexists("/".join([*parts, part]))
        if not stands and is_pattern(part):
            raise ValueError("a pattern stands for nothing here: name one file or folder")
        parts.append(part if stands else _VARIABLE.sub(_value, part))
    return "/".join(parts)


def is_pattern(path: str) -> bool:
    """Whether `path` is what a shell would look up: it has `*` or `?` in it."""
    return "*" in path or "?" in path


def _value(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if not os.environ.get(name):
        raise ValueError(f"the environment variable {name} is {'empty' if name in os.environ else 'not set'}")
    return os.environ[name]


# A file or folder in a config.
LocalPath = Annotated[str, AfterValidator(expanded)]
