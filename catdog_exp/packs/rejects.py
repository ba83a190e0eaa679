"""The pictures that were left out: their list on disk, and the limit on their number."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped, unescaped
from catdog_exp.packs.writer import Rejected

QUOTED = 3  # pictures that the message of too many names


def write_rejected(file: Path, classes: Sequence[str], rejected: Sequence[Rejected]) -> None:
    """Write a row `path,class,reason` for each picture, after one with these names. Paths are as in `.lst` files."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["path", "class", "reason"])
        writer.writerows([escaped(picture.path), classes[picture.label], picture.reason] for picture in rejected)


def read_rejected(file: Path, classes: Sequence[str]) -> list[Rejected]:
    """What `write_rejected` wrote."""
    with file.open(encoding="utf-8", newline="") as rows:
        return [
            Rejected(unescaped(row["path"]), classes.index(row["class"]), row["reason"]) for row in csv.DictReader(rows)
        ]


def too_many(rejected: int, pictures: int, limit: int | float | None) -> bool:
    """Whether `rejected` of `pictures` is beyond `limit`: a count (int), a share (float, 0..1) or None, no limit."""
    if limit is None:
        return False
    return rejected > (limit * pictures if isinstance(limit, float) else limit)


def refuse(rejected: Sequence[Rejected], pictures: int, limit: int | float | None, file: Path) -> UserError:
    """The error for too many rejected pictures: how many of how many, the first of them, and `file`, their list."""
    first = ", ".join(f"{escaped(picture.path)} ({picture.reason})" for picture in rejected[:QUOTED])
    more = f" and {len(rejected) - QUOTED:,} more" if len(rejected) > QUOTED else ""
    return UserError(
        f"{len(rejected):,} of {pictures:,} pictures cannot be used, more than data.max_rejects={limit} allows: "
        f"{first}{more}, listed in {file}; mend or remove them, or raise data.max_rejects"
    )
