"""Pictures in the image grid of MLflow's pages, which shows those of several runs beside each other."""

from __future__ import annotations

from pathlib import Path

from catdog_exp.tracking.store import Store

LONGEST_SIDE = 640  # pixels: a whole sheet takes MLflow a second, and stands among the run's files


def log_image(store: Store, run_id: str, path: Path, key: str, step: int) -> None:
    """Log the picture at `path`, made smaller, as the one of `key` at a step. The same file twice is logged once."""
    from PIL import Image

    made = path.stat().st_mtime_ns // 1_000_000
    start = f"images/{key.replace('/', '~')}+step+{step}+timestamp+{made}+"  # as MLflow calls them
    if any(file.path.startswith(start) for file in store.client.list_artifacts(run_id, "images")):
        return
    with Image.open(path) as picture:
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
        store.client.log_image(run_id, picture, key=key, step=step, timestamp=made, synchronous=True)
