"""A source that needs no data set: it draws its pictures itself."""

from __future__ import annotations

import logging
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from catdog_exp.console import ProgressBar
from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.locks import one_process_at, whole_folder
from catdog_exp.paths import LocalPath
from catdog_exp.sources.finding import some
from catdog_exp.sources.source import Listing, Picture, Source

FORMAT = 1  # to be raised with any change of what is drawn, so that no older drawings are reused
FOLDERS = ["cat", "dog"]  # by label
END = b"\xff\xd9"  # of a JPEG

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Synthetic(Source):
    """Cats and dogs drawn by the program, as many of each (one cat more where `count` is odd).

    folder: where the JPEG files are written, once for each count and seed.
    count: pictures in all.
    seed: of the drawings. A picture follows from the seed and its own number alone.
    """

    folder: LocalPath
    count: Annotated[int, Field(ge=2, le=1_000_000)]
    seed: Annotated[int, Field(ge=0)]

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `folder` is taken by a file, or when `classes` are not two."""
        if [name.lower().removesuffix("s") for name in classes] != FOLDERS:
            raise UserError(
                f"data.classes=[{some(classes)}]: drawn pictures are of a cat (0) or a dog (1); "
                "take data=folder data.root=DIR for your own pictures of other classes"
            )
        if Path(self.folder).exists() and not Path(self.folder).is_dir():
            raise UserError(f"data.source.folder={self.folder}: this is a file, name a folder")

    def listing(self, classes: list[str]) -> Listing:
        """The drawn pictures. Raises UserError unless `classes` are two: only cats and dogs can be drawn."""
        self.check(classes)
        root = self._root()
        try:
            if not root.is_dir():
                self._draw_into(root)
            elif cut := self._cut(root):
                self._draw_again(root, cut)
        except OSError as error:
            raise UserError(f"{root} cannot be written: {error.strerror or error}") from None
        pictures = [Picture(self._path(number), number % len(FOLDERS)) for number in range(self.count)]
        pictures.sort(key=lambda picture: picture.path)
        return Listing(root, classes, pictures, note="drawn by the program, not photographs")

    def absent(self) -> str | None:
        """The drawings that are still to be made."""
        return None if self._root().is_dir() else f"{self.count:,} are to be drawn into {self._root()}"

    def _root(self) -> Path:
        return Path(self.folder).absolute() / f"synthetic-{self.count}-{self.seed}-v{FORMAT}"

    def _cut(self, root: Path) -> list[int]:
        """The numbers of the pictures that are missing or do not end as a JPEG does, as a full disk leaves them."""
        return [number for number in range(self.count) if not _has_end(f"{root}/{self._path(number)}")]

    def _draw_again(self, root: Path, cut: list[int]) -> None:
        log.warning("%d of the drawn pictures in %s are not whole: they are drawn again", len(cut), root)
        with one_process_at(root):
            for number in self._cut(root):
                place = root / self._path(number)
                place.parent.mkdir(exist_ok=True)
                with replacing(place) as aside:
                    aside.write_bytes(self._drawn(number))

    def _drawn(self, number: int) -> bytes:
        from catdog_exp.sources.synthetic.drawing import draw

        return draw(number % len(FOLDERS), self.seed, number)

    def _draw_into(self, root: Path) -> None:
        from catdog_exp.parallel import in_order

        root.parent.mkdir(parents=True, exist_ok=True)
        with one_process_at(root):
            if root.is_dir():  # another process has drawn them meanwhile
                return
            with whole_folder(root) as making:
                for name in FOLDERS:
                    (making / name).mkdir()

                def write(number: int) -> None:
                    (making / self._path(number)).write_bytes(self._drawn(number))

                written = in_order(write, range(self.count), threads=os.cpu_count() or 1)
                with closing(written), ProgressBar("drawing", self.count, "pictures") as bar:
                    for _ in written:
                        bar.advance(1)

    def _path(self, number: int) -> str:
        name = FOLDERS[number % len(FOLDERS)]
        return f"{name}/{name}.{number // len(FOLDERS):06d}.jpg"


def _has_end(file: str) -> bool:
    try:
        with Path(file).open("rb", buffering=0) as opened:
            opened.seek(-len(END), os.SEEK_END)
            return opened.read() == END
    except OSError:
        return False
