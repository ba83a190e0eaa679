"""Packing spread over a Ray cluster: a task for each shard, done again elsewhere where a node is lost.

The nodes share the file system with the pictures and the packs, and have this package installed. A task writes its
files aside and moves them to their place when they are whole; as they have the same bytes each time, it may be run
again, and even twice at once.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2

from catdog_exp.errors import UserError
from catdog_exp.images.content_hashes import Content
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.shards import Shard, packing_bar
from catdog_exp.packs.writer import Rejected, pack_split

ASIDE = "aside"  # the folder, in that of the pack, where tasks write
RETRIES = 10  # times that a shard is tried again after its node or process was lost
LOOK_AGAIN = 0.5  # seconds between two steps of the progress bar
LOCAL = "local"  # Ray's word for a cluster of its own, on this machine
CONNECT = 5  # seconds that a cluster has to answer
NO_RAY = "data.pack_on=ray needs Ray: `pip install catdog-exp[ray]`, or pack with data.pack_on=threads"

# To be set before Ray is imported: nothing is reported to Ray's makers; its processes do not install this project
# anew when it was started by `uv run`; it leaves the choice of GPUs as it is.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

log = logging.getLogger(__name__)


def check_ray() -> None:
    """Raise UserError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UserError(NO_RAY)


def pack_on_ray(
    shards: Sequence[Shard],
    root: Path,
    folder: Path,
    contents: Mapping[str, Content],
    data: DataConfig,
) -> list[list[Rejected]]:
    """As `shards.pack_shards`, to the same bytes, on the cluster that RAY_ADDRESS names.

    Without RAY_ADDRESS a cluster is started on this machine for the time, with `data.threads` processes, at most one
    for each core; `RAY_ADDRESS=auto` is the one that runs here. A shard takes one core of the cluster.

    Raises UserError: no Ray; no cluster at the address; a node where the pictures or the pack's folder are not, or
    with other versions; a shard whose processes are lost again and again. Raises OSError as `pack_shards` does.
    """
    root, folder = root.absolute(), folder.absolute()
    with _cluster(data.threads) as ray, _aside(folder), packing_bar(shards) as bar:
        cores = int(ray.cluster_resources().get("CPU", 0))
        log.info("%d shards for a Ray cluster with %d cores", len(shards), cores)
        settings = {key: getattr(data, key) for key in ("resize", "quality", "max_pixels")}
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_pack_shard)
        numbers = {
            task.remote(shard, root, folder, _of(shard, contents), settings, _versions()): number
            for number, shard in enumerate(shards)
        }
        results: dict[int, list[Rejected]] = {}
        while remaining := [ref for ref, number in numbers.items() if number not in results]:
            done, _ = ray.wait(remaining, num_returns=len(remaining), timeout=LOOK_AGAIN)
            for ref in done:
                results[numbers[ref]] = _result(ray, ref)
                bar.advance(len(shards[numbers[ref]].entries))
    return [results[number] for number in range(len(shards))]


def _pack_shard(
    shard: Shard,
    root: Path,
    folder: Path,
    contents: Mapping[str, Content],
    settings: Mapping[str, Any],
    versions: Mapping[str, str],
) -> list[Rejected]:
    """The task: runs in a process of the cluster, where it uses one core."""
    node = socket.gethostname()
    for place in (root, folder / ASIDE):
        if not place.is_dir():
            raise UserError(f"node {node} has no {place}: pictures and packs must lie where all nodes share them")
    if _versions() != versions:
        raise UserError(f"node {node} has {_versions()}, this machine {versions}: install the same on both")
    with tempfile.TemporaryDirectory(dir=folder / ASIDE) as name:
        own = Path(name)
        _, rejected = pack_split(shard.entries, root, own / shard.name, threads=1, contents=contents, **settings)
        for file in own.iterdir():
            file.replace(folder / file.name)
    return rejected


def _of(shard: Shard, contents: Mapping[str, Content]) -> dict[str, Content]:
    return {entry.path: contents[entry.path] for entry in shard.entries}


def _versions() -> dict[str, str]:
    """What else than the settings the bytes may depend on."""
    versions = {name: metadata.version(name) for name in ("catdog-exp", "pillow", "simplejpeg")}
    return {**versions, "opencv": cv2.__version__}


def _result(ray: Any, ref: Any) -> list[Rejected]:
    try:
        rejected: list[Rejected] = ray.get(ref)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # as it would be raised here
    except ray.exceptions.RayError as error:
        raise UserError(f"a shard cannot be packed on the Ray cluster: {_first_line(error)}") from None
    return rejected


@contextmanager
def _aside(folder: Path) -> Iterator[None]:
    """The folder where tasks write. After the block a task that still runs, on a node given up, writes nothing more."""
    aside = folder / ASIDE
    aside.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(aside.rename(folder / f"{ASIDE}.old"))


@contextmanager
def _cluster(threads: int) -> Iterator[Any]:
    """Ray, connected; its tasks end with the block, however that ends."""
    address = os.environ.get("RAY_ADDRESS") or LOCAL
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        settings |= {"num_cpus": min(threads, len(os.sched_getaffinity(0))), "include_dashboard": False}
    ray = connect(address, settings)
    try:
        yield ray
    finally:
        ray.shutdown()


def connect(address: str, settings: Mapping[str, Any]) -> Any:
    """Ray, connected to the cluster at `address`; `local` starts one on this machine, `auto` is the one that runs here.

    settings: more arguments of `ray.init`. What this process does at SIGTERM stays as it is.
    Raises UserError: no Ray; no cluster at the address, or one that cannot be used.
    """
    check_ray()
    os.environ.update(ENVIRONMENT)
    import ray

    if address != LOCAL:
        # Not "auto", which would wait minutes for a cluster that is long gone, or join one that is to end with
        # another run.
        noted = _noted_cluster() if address == "auto" else address
        if noted is not None:
            _check_answers(noted)
    try:
        with _own_signals():
            ray.init(address=address, **settings)
    except RuntimeError as error:  # of other versions, above all
        raise UserError(f"the Ray cluster cannot be used: {_first_line(error)}") from None
    except ConnectionError as error:
        raise _no_cluster(address, error) from None
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Put back what this process does at SIGTERM, which Ray sets to an end without an end of the run."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _noted_cluster() -> str | None:
    """The address of this machine's cluster as Ray notes it, also when that cluster is long gone."""
    note = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    return note.read_text().strip() or None if note.is_file() else None


def _check_answers(address: str) -> None:
    """Raise UserError where nothing listens at the address; Ray itself would try for a minute and more."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _no_cluster(address: str, error: Exception) -> UserError:
    return UserError(
        f"RAY_ADDRESS={address}: no Ray cluster answers there ({_first_line(error)}): give another, unset it, or set "
        "RAY_AUTH_MODE=token where the cluster has one"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
