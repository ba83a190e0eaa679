"""The packs that lie in a folder: found, named and removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.locks import lock_if_free, remove_whole
from catdog_exp.packs.manifest import Damaged, Manifest, read_manifest

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class ShelvedPack:
    """A pack as it lies in its folder.

    manifest: None where it is missing or damaged. bytes: all its files together, the decoded pictures' too. made: when.
    """

    place: Path
    manifest: Manifest | None
    bytes: int
    made: datetime

    @property
    def name(self) -> str:
        """Its fingerprint."""
        return self.place.name


def packs_in(folder: Path) -> list[ShelvedPack]:
    """All packs in `folder`, damaged ones too, the newest first."""
    if not folder.is_dir():
        return []
    packs = []
    for place in folder.iterdir():
        if _FINGERPRINT.fullmatch(place.name) and place.is_dir():
            with suppress(FileNotFoundError):  # removed meanwhile, or made anew
                packs.append(_shelved(place))
    return sorted(packs, key=lambda pack: pack.made, reverse=True)


def packs_named(folder: Path, names: Sequence[str]) -> list[ShelvedPack]:
    """The packs in `folder` whose fingerprints are, or start with, these names; all where there are no names.

    Raises UserError for a name that fits no pack, or more than one.
    """
    packs = packs_in(folder)
    chosen = []
    for name in names:
        fitting = [pack for pack in packs if pack.name.startswith(name)]
        if len(fitting) != 1:
            found = f"{len(fitting)} packs start so, give more digits" if fitting else f"there is none in {folder}"
            raise UserError(f"pack {name}: {found}; `catdog packs` lists all")
        chosen += fitting
    return chosen if names else packs


def remove_pack(pack: ShelvedPack) -> bool:
    """Remove a pack, unless a process is at work on it just now. Returns whether it is gone.

    Raises UserError where it cannot be removed.
    """
    try:
        with lock_if_free(pack.place) as held:
            if held:
                remove_whole(pack.place)
            return held
    except OSError as error:
        raise UserError(f"{pack.place} cannot be removed: {error.strerror or error}") from None


def _shelved(place: Path) -> ShelvedPack:
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    try:
        manifest = read_manifest(place)
        return ShelvedPack(place, manifest, size, datetime.fromisoformat(manifest.made))
    except Damaged:
        return ShelvedPack(place, None, size, datetime.fromtimestamp(place.stat().st_mtime, UTC))
