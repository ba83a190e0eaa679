"""Packs: folders of record files, made once for the same pictures and settings and found again after that."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.locks import one_process_at, remove_leftovers
from catdog_exp.packs.build import REJECTED, make_pack
from catdog_exp.packs.fingerprint import FORMAT
from catdog_exp.packs.manifest import MANIFEST, Damaged, Manifest, damaged_files, read_manifest
from catdog_exp.packs.plan import PackPlan
from catdog_exp.packs.rejects import read_rejected, refuse, too_many
from catdog_exp.sources.source import Split

FULL = {errno.ENOSPC, errno.EDQUOT}
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pack:
    """A pack on disk.

    folder: `<packs>/<fingerprint>`.
    classes: names; a class's place is its label.
    counts: packed pictures by side and class name; of the sides that there are, here and in `record_files`.
    rejected: how many pictures were left out; `rejected.csv` in the folder has each with the reason.
    reused: it was there already.
    images_per_second: speed of the packing, None where the pack was reused.
    note: the source's line about its pictures, may be empty.
    record_files: names of the `.rec` files of each side, in order.
    """

    folder: Path
    fingerprint: str
    classes: list[str]
    counts: dict[Split, dict[str, int]]
    rejected: int
    reused: bool
    images_per_second: float | None
    note: str
    record_files: dict[Split, list[str]]

    def records(self, split: Split) -> list[Path]:
        """The `.rec` files of one side, in order; beside each lie its `.lst` and `.idx`."""
        return [self.folder / name for name in self.record_files[split]]


def open_pack(plan: PackPlan) -> Pack:
    """The pack that is planned: the one that is there, else made now.

    One that is damaged is made again, and so is any with `data.repack`. Several processes may ask for the
    same pack at once: one makes it, the others wait and use it.

    Raises UserError: a class without a readable picture on one side; no space or no permission to write.
    """
    place, data = plan.place, plan.data
    with _writing_to(place.parent):
        remove_leftovers(place.parent)
        before = _making_of(place)
        if not data.repack and (pack := _pack_there(place, data.max_rejects)) is not None:
            return pack
        place.parent.mkdir(parents=True, exist_ok=True)
        with one_process_at(place):
            # Another process may have made it, or made it again, while this one waited.
            if _making_of(place) != before and (pack := _pack_there(place, data.max_rejects)) is not None:
                return pack
            _say_older(place.parent)
            if place.is_dir():
                log.info("pack %s is made anew", place)
            return _pack(place, make_pack(plan), reused=False)


def find_pack(plan: PackPlan) -> Pack:
    """As `open_pack`, for who must not make one: the pack that is there.

    Raises UserError where it is not there, or damaged.
    """
    pack = _pack_there(plan.place, plan.data.max_rejects)
    if pack is None:
        raise UserError(f"there is no whole pack of these pictures and settings ({plan.place}): add pack to `stages`")
    return pack


def _pack_there(place: Path, max_rejects: int | float | None) -> Pack | None:
    """The pack in `place`, read to the last byte; None where there is none, or it is damaged, which is logged.

    Raises UserError where more pictures were left out than `max_rejects` allows now.
    """
    if not place.is_dir():
        return None
    try:
        manifest = read_manifest(place)
        if wrong := damaged_files(place, manifest):
            raise Damaged(", ".join(wrong))
    except Damaged as damage:
        log.warning("pack %s is damaged: %s", place, damage)
        return None
    pictures = manifest.source["pictures"]
    if too_many(manifest.rejected, pictures, max_rejects):
        file = place / REJECTED
        raise refuse(read_rejected(file, manifest.classes), pictures, max_rejects, file)
    told = "pack %s is there already: %s; its files' digests are right (`catdog packs verify` reads every picture)"
    log.info(told, place, manifest.counted)
    return _pack(place, manifest, reused=True)


def _say_older(folder: Path) -> None:
    """Log how many packs of another version of this program there are, which are of no use to this one."""
    older = 0
    for place in filter(Path.is_dir, folder.iterdir()):
        with suppress(Damaged):
            older += read_manifest(place).format != FORMAT
    if older:
        log.info(
            "not reused, since this version splits or decodes otherwise: %d packs in %s, and the results of runs that "
            "used them; `catdog packs prune` removes what no run needs",
            *(older, folder),
        )


def _making_of(place: Path) -> tuple[int, int] | None:
    """What tells the pack in `place` from one that is made there later."""
    try:
        made = (place / MANIFEST).stat()
    except OSError:
        return None
    return made.st_ino, made.st_mtime_ns


def _pack(place: Path, manifest: Manifest, *, reused: bool) -> Pack:
    return Pack(
        folder=place,
        fingerprint=manifest.fingerprint,
        classes=manifest.classes,
        counts=manifest.counts,
        rejected=manifest.rejected,
        reused=reused,
        images_per_second=None if reused else manifest.images_per_second,
        note=manifest.note,
        record_files=manifest.records,
    )


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            what_to_do = "make room there"
        elif error.errno in NOT_WRITABLE:
            what_to_do = "let yourself write there"
        else:
            raise
        raise UserError(
            f"packs cannot be written to {folder} ({error.strerror}): {what_to_do}, or set paths.outputs"
        ) from None
