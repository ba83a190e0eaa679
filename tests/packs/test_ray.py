"""A real Ray cluster on loopback; without the extra `ray` only what can be said then."""

import importlib.util
import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.plan import plan_pack
from catdog_exp.packs.store import Pack, open_pack
from catdog_exp.packs.verify import damage_in
from catdog_exp.sources.source import Listing, Picture
from tests.clusters import lose_a_node, needs_ray
from tests.images.drawn import DATA, draw_pictures

ON_RAY = replace(DATA, test_ratio=0.2, shards=6, pack_on="ray")


def _bytes(pack: Pack) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pack.folder.iterdir() if path.name != "manifest.json"}


def test_without_ray_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"needs Ray: `pip install catdog-exp\[ray\]`, or pack with data.pack_on=thr"):
        open_pack(plan_pack(draw_pictures(tmp_path / "pictures"), ON_RAY, tmp_path / "packs"))


@needs_ray
@pytest.mark.service
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "127.0.0.1:99999"])
def test_an_address_without_a_cluster_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setenv("RAY_ADDRESS", address)
    packs = tmp_path / "packs"
    with pytest.raises(UserError, match=f"RAY_ADDRESS={address}: no Ray cluster answers there"):
        open_pack(plan_pack(draw_pictures(tmp_path / "pictures"), ON_RAY, packs))
    assert [path.name for path in packs.iterdir() if path.name[0] != "."] == []


@needs_ray
@pytest.mark.service
def test_a_cluster_that_is_long_gone_is_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    started = time.monotonic()
    with pytest.raises(UserError, match=r"RAY_ADDRESS=127\.0\.0\.1:1: no Ray cluster answers there"):
        open_pack(plan_pack(draw_pictures(tmp_path / "pictures"), ON_RAY, tmp_path / "packs"))
    assert time.monotonic() - started < 30


@needs_ray
@pytest.mark.service
def test_a_cluster_of_its_own_packs_the_same_bytes_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RAY_ADDRESS", "local")
    monkeypatch.chdir(tmp_path)
    listing = draw_pictures(Path("pictures"))  # relative, as a user may give it
    (listing.root / "cat" / "003.jpg").write_bytes(b"")
    threads = open_pack(plan_pack(listing, replace(ON_RAY, pack_on="threads"), Path("one")))
    handler = signal.getsignal(signal.SIGTERM)
    with caplog.at_level(logging.INFO):
        ray = open_pack(plan_pack(listing, ON_RAY, Path("two")))
    assert ray.fingerprint == threads.fingerprint
    assert (ray.rejected, ray.counts) == (1, threads.counts)
    assert _bytes(ray) == _bytes(threads)
    assert damage_in(ray.folder, threads=2) == []
    assert caplog.messages[0].startswith("18 shards for a Ray cluster with ")
    assert capfd.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGTERM) is handler


def _photographs(root: Path, per_class: int) -> Listing:
    """Large noisy JPEGs, each with bytes of its own."""
    draw = np.random.default_rng(0)
    jpegs = []
    for _ in range(4):
        pixels = cv2.resize(draw.integers(0, 256, (400, 600, 3), np.uint8), (2400, 1600))
        jpegs.append(cv2.imencode(".jpg", pixels)[1].tobytes())
    pictures = []
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            picture = Picture(f"{name}/{number:03}.jpg", label)
            (root / picture.path).write_bytes(jpegs[number % 4] + f"{name} {number}".encode())
            pictures.append(picture)
    return Listing(root, ["cat", "dog"], pictures, note="")


def _wait_for(what: Callable[[], bool], seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _open(listing: Listing, data: DataConfig, packs: Path) -> None:
    open_pack(plan_pack(listing, data, packs))


@needs_ray
@pytest.mark.service
@pytest.mark.timeout(600)
def test_shards_of_a_lost_node_are_made_by_the_other(tmp_path: Path, ray_cluster: Any):
    listing = _photographs(tmp_path / "pictures", per_class=100)
    data = replace(ON_RAY, resize=256, shards=8)
    undisturbed = open_pack(plan_pack(listing, replace(data, pack_on="threads"), tmp_path / "threads"))
    packs = tmp_path / "ray"
    packing = multiprocessing.get_context("spawn").Process(target=_open, args=(listing, data, packs))
    packing.start()
    # Some shards are made, and both nodes are at work on others.
    _wait_for(lambda: len(list(packs.glob("*.making/*.rec"))) >= 2 and len(list(packs.glob("*.making/aside/*"))) >= 2)
    made = len(list(packs.glob("*.making/*.rec")))
    lose_a_node(ray_cluster)
    packing.join(240)
    assert packing.exitcode == 0
    assert made < 12
    pack = open_pack(plan_pack(listing, data, packs))
    assert pack.reused
    assert pack.fingerprint == undisturbed.fingerprint
    assert _bytes(pack) == _bytes(undisturbed)
    assert damage_in(pack.folder, threads=2) == []
    assert sorted(path.name for path in packs.iterdir() if path.name[0] != ".") == [pack.fingerprint]
