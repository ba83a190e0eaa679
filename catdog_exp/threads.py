"""How many threads a process computes with."""

from __future__ import annotations

import os

VARIABLE = "OMP_NUM_THREADS"


def threads_to_use(asked: int | None) -> int:
    """`asked`, or where that is None the launcher's share of this process, else all its cores."""
    share = os.environ.get(VARIABLE, "")  # so a launcher that runs jobs side by side shares the cores out
    return asked or (int(share) if share.isdecimal() else 0) or len(os.sched_getaffinity(0))
