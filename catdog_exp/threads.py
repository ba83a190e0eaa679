"""How many threads a process computes with: settled once, before MXNet is first imported."""

from __future__ import annotations

import os
import sys

from catdog_exp.errors import UserError

VARIABLE = "OMP_NUM_THREADS"  # MXNet's pool takes its size from it when MXNet is imported, and keeps it

# A launcher that runs jobs side by side shares the cores out so before it starts their processes.
_share = os.environ.get(VARIABLE, "")


def use_threads(asked: int | None) -> int:
    """Let this process compute with `asked` threads; None: with its launcher's share, else all its cores.

    Returns their number. Raises UserError when MXNet computes with another number already.
    """
    threads = asked or (int(_share) if _share.isdecimal() else 0) or len(os.sched_getaffinity(0))
    if "catdog_exp.mx" in sys.modules and os.environ.get(VARIABLE) != str(threads):
        raise UserError(
            f"hardware.threads={threads}: this process computes with {os.environ.get(VARIABLE)} already, "
            "from a job before; give each number of threads a sweep of its own"
        )
    os.environ[VARIABLE] = str(threads)
    return threads
