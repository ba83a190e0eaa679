"""How much memory this process may use."""

from __future__ import annotations

from pathlib import Path


def memory_limit(root: Path = Path("/")) -> int | None:
    """The memory in bytes that this process's control groups (version 1 or 2) allow, None where all of it.

    root: where `proc` and `sys` are found.
    """
    limits = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        top = root / "sys/fs/cgroup" / controllers
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        folder = top / group.lstrip("/")
        # A group's own limit and those of all groups around it count; in a container some are out of sight.
        for place in (folder, *folder.parents):
            if place.is_relative_to(top):
                limits.append(_text(place / name).strip())
    # Version 1 says "no limit" with a number beyond any memory.
    numbers = [int(limit) for limit in limits if limit.isdigit() and int(limit) < 2**60]
    return min(numbers, default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
