"""How many threads a process computes with."""

from __future__ import annotations

import os

VARIABLE = "OMP_NUM_THREADS"

# A launcher that runs jobs side by side shares the cores out so before it starts their processes.
_share = os.environ.get(VARIABLE, "")


def threads_to_use(asked: int | None) -> int:
    """`asked`, or where that is None the launcher's share of this process, else all its cores."""
    return asked or (int(_share) if _share.isdecimal() else 0) or len(os.sched_getaffinity(0))
