"""Which files of this machine and this copy are in force, and why."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.app.conf_folders import conf_folders

VARIABLE = "CATDOG_MACHINE"


def machine_name() -> str:
    """Which file of conf/machine/ this machine uses: CATDOG_MACHINE, else the host's name if there is such a file."""
    host = socket.gethostname()
    return os.environ.get(VARIABLE) or (host if machine_file(host) else "default")


def machine_file(name: str, group: str = "machine") -> Path | None:
    """The file of the machine that is called so, None where there is none."""
    files = (folder / group / f"{name}.yaml" for folder in conf_folders())
    return next((file for file in files if file.is_file()), None)


def machine_files(words: Sequence[str]) -> list[tuple[str, str, Path | None]]:
    """For the groups `machine` and `local`: the group, why its file is chosen, and the file, None where none is.

    words: of the command; the last that chooses one counts.
    """
    given = dict(
        word.lstrip("+").split("=", 1) for word in words if word.lstrip("+").startswith(("machine=", "local="))
    )
    if "machine" in given:
        name, why = given["machine"], f"machine={given['machine']}"
    elif os.environ.get(VARIABLE):
        name, why = os.environ[VARIABLE], f"{VARIABLE}={os.environ[VARIABLE]}"
    else:
        host, name = socket.gethostname(), machine_name()
        why = f"this host is called {host}" if name == host else f"{VARIABLE} is not set, no file is called {host}"
    local = given.get("local", "default")
    why_local = f"local={local}" if "local" in given else "it is there" if machine_file(local, "local") else "not there"
    return [("machine", why, machine_file(name)), ("local", why_local, machine_file(local, "local"))]
