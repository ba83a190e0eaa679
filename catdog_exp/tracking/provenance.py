"""Where a run comes from: the commit, the machine, the person and the versions, as MLflow tags."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path

CUDA_BUILDS = ("mxnet-cu117", "mxnet-cu112")

# What a package is called here, and the distributions that bring it.
DISTRIBUTIONS = {
    "catdog_exp": ("catdog-exp",),
    "mxnet": ("mxnet", *CUDA_BUILDS),
    "numpy": ("numpy",),
    "opencv": ("opencv-python", "opencv-python-headless", "opencv-contrib-python"),
    "hydra": ("hydra-core",),
    "mlflow": ("mlflow",),
}

GIT_TIMEOUT = 10  # seconds


def installed_version(distributions: tuple[str, ...]) -> str | None:
    """Version of the first of these distributions that is installed, without importing it."""
    for name in distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def provenance_tags() -> dict[str, str]:
    """All tags that tell where a run comes from; what cannot be found out is left out."""
    tags = {
        "machine": socket.gethostname(),
        "mlflow.source.name": "catdog",
    }
    for name, distributions in DISTRIBUTIONS.items():
        version = installed_version(distributions)
        if version is not None:
            tags[f"version/{name}"] = version
    with suppress(KeyError, OSError, ImportError):  # no name for this user id, as in many containers
        tags["mlflow.user"] = getpass.getuser()
    return {**tags, **git_tags(Path(__file__).resolve().parents[2])}


def git_tags(folder: Path) -> dict[str, str]:
    """Commit, and whether anything differs from it, when `folder` is the top of a checkout; else nothing."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top or Path(top) != folder:  # an environment inside somebody else's checkout
        return {}
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    if not commit or changes is None:
        return {}
    return {"mlflow.source.git.commit": commit, "git_dirty": "true" if changes else "false"}


def _git(folder: Path, *words: str) -> str | None:
    # Without optional locks: parallel runs must not meet over git's index.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT,
            check=True,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
