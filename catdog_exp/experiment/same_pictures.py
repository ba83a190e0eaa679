"""Whether a run that is repeated finds the pictures that it had."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped
from catdog_exp.experiment.config import RunConfig
from catdog_exp.packs.plan import PackPlan
from catdog_exp.tracking.best_run import DATASET

PICTURES = "pictures.json.gz"  # of a run: each picture's path, class and digest
DIGITS = 16  # of a SHA-256 that are kept
NAMED = 3  # pictures in a line


def write_pictures(plan: PackPlan, file: Path) -> None:
    """Write down which pictures a run has."""
    file.write_bytes(gzip.compress(json.dumps(_pictures(plan)).encode(), mtime=0))


def check_same_pictures(config: RunConfig, plan: PackPlan) -> None:
    """Raise UserError where the pictures are not those of the run that `config` repeats; it says which differ."""
    from catdog_exp.tracking.record import tags_and_file

    assert config.rerun_of is not None
    downloads = Path(config.paths.outputs) / "downloads"
    tags, file = tags_and_file(config.tracking, config.rerun_of, f"pack/{PICTURES}", downloads)
    if tags.get(DATASET) == plan.dataset:
        return
    then = {(label, digest): path for path, label, digest in json.loads(gzip.decompress(file.read_bytes()))}
    now = {(label, digest): path for path, label, digest in _pictures(plan)}
    lacking = [path for key, path in then.items() if key not in now]
    new = [path for key, path in now.items() if key not in then]
    differing = [f"{len(lacking):,} are missing ({_named(lacking)})"] * bool(lacking)
    differing += [f"{len(new):,} are new ({_named(new)})"] * bool(new)
    raise UserError(
        f"these are not the {len(then):,} pictures of run {config.rerun_of[:8]}: {'; '.join(differing)}; "
        f"name their folder with data.root=DIR (here: {plan.listing.root})"
    )


def _pictures(plan: PackPlan) -> list[tuple[str, int, str]]:
    return [
        (escaped(picture.path), picture.label, plan.contents[picture.path].sha256[:DIGITS])
        for picture in plan.listing.pictures
    ]


def _named(paths: list[str]) -> str:
    return ", ".join(paths[:NAMED]) + ", …" * (len(paths) > NAMED)
