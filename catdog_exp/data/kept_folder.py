"""What is made once of a pack's pictures and kept in its folder, whole and verified, for all processes of a machine."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from catdog_exp.locks import one_process_at, whole_folder, write_through
from catdog_exp.packs.manifest import Damaged, file_digest
from catdog_exp.packs.store import FULL, NOT_WRITABLE, Pack

DIGESTS = "digests.json"

log = logging.getLogger(__name__)


def kept_folder(
    pack: Pack, place: Path, about: Mapping[str, Any], names: tuple[str, ...], what: str, make: Callable[[Path], None]
) -> Path | None:
    """`place`, a folder within the pack's, with the files `names` in it: those that are there, else made now.

    about: what the files follow from; others are not used. what: they are, in the plural, for the log.
    make: writes them into the folder that it is given.

    Several processes may ask for the same at once: one makes it, the others wait. Files that are damaged are made
    again, which is logged. None where the pack's folder cannot be written to, or its disk is full, which is logged.
    """
    with suppress(Damaged):
        check_kept(place, about, names)
        return place
    try:
        # The pack's own lock: nobody removes the pack meanwhile.
        with one_process_at(pack.folder):
            try:
                check_kept(place, about, names)  # another process has made it while this one waited
            except Damaged as damage:
                if place.exists():
                    log.warning("the %s in %s cannot be used and are made again: %s", what, place, damage)
                place.parent.mkdir(exist_ok=True)
                with whole_folder(place) as making:
                    make(making)
                    found = {name: file_digest(making / name) for name in names}
                    (making / DIGESTS).write_text(json.dumps({**about, "files": found}), encoding="utf-8")
                    write_through(making)
            return place
    except OSError as error:
        if error.errno not in FULL | NOT_WRITABLE | {errno.ENOENT}:  # the last: somebody has removed the pack
            raise
        log.warning(
            "%s cannot be kept in %s (%s): each run makes them anew, in its own memory", what, place, error.strerror
        )
        return None


def check_kept(place: Path, about: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Read all bytes of what is kept in `place`. Raises Damaged where there is nothing, or something else.

    The reading brings them into the operating system's memory in order, which the first epoch would otherwise
    do in no order at all.
    """
    try:
        told = json.loads((place / DIGESTS).read_text(encoding="utf-8"))
        found = {name: file_digest(place / name) for name in names}
    except OSError as error:
        raise Damaged(f"{error.filename} cannot be read ({error.strerror})") from None
    except ValueError:
        raise Damaged(f"{DIGESTS} is damaged") from None
    if told != {**about, "files": found}:
        another = isinstance(told, dict) and told.get("format") != about["format"]
        raise Damaged("of another version of this program" if another else f"damaged, not what {DIGESTS} says")
