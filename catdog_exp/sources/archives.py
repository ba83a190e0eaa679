"""Public archives of cats and dogs: downloaded and unpacked once, or read from a copy on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from catdog_exp.errors import UserError
from catdog_exp.locks import one_process_at
from catdog_exp.sources.download import download
from catdog_exp.sources.folders import labelled_pictures, readable_folder, subfolders
from catdog_exp.sources.names import class_of
from catdog_exp.sources.source import Listing, Source, Split
from catdog_exp.sources.unpack import unpack

SIDES: tuple[Split, ...] = ("train", "validation")
CATS_AND_DOGS = ["cat", "dog"]


@dataclass(frozen=True)
class Filtered(Source):
    """3,000 photographs in train/ and validation/, each with a folder for each class: its own split.

    url: the zip file. folder: where it is unpacked, in a folder of the zip file's name.
    root: a copy on disk instead: the folder with train/ and validation/, the one above it, or one of the two.
    """

    url: str
    folder: str
    root: str | None = None

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `root` does not hold train/ and validation/, or `url` is none."""
        _check(self.url, self.root, list(SIDES))
        if self.root is not None:
            self.listing(classes)

    def absent(self) -> str | None:
        """The archive that is still to be downloaded."""
        return None if self.root is not None else _absent(self.url, self.folder)

    def listing(self, classes: list[str]) -> Listing:
        """The pictures, each with the side that the archive puts it on; downloads them where needed."""
        root = _pictures_root(self.url, self.folder, self.root, list(SIDES))
        pictures = []
        for split in SIDES:
            own = next(name for name in subfolders(root) if class_of(name, [split]) is not None)
            pictures += labelled_pictures(root, classes, f"{own}/", split)
        pictures.sort(key=lambda picture: picture.path)
        return Listing(root, classes, pictures, note="photographs, in the archive's own split")


@dataclass(frozen=True)
class CatsDogs25k(Source):
    """25,000 photographs in Cat/ and Dog/ (Asirra), a few of them broken. Keys: as Filtered's.

    root: a copy on disk: the folder with Cat/ and Dog/, the one above it, or one of the two.
    """

    url: str
    folder: str
    root: str | None = None

    def check(self, classes: list[str]) -> None:
        """Raise UserError when `root` does not hold the two folders, or `url` is none."""
        _check(self.url, self.root, CATS_AND_DOGS)
        if self.root is not None:
            self.listing(classes)

    def absent(self) -> str | None:
        """The archive that is still to be downloaded."""
        return None if self.root is not None else _absent(self.url, self.folder)

    def listing(self, classes: list[str]) -> Listing:
        """The pictures; downloads them where needed."""
        root = _pictures_root(self.url, self.folder, self.root, CATS_AND_DOGS)
        return Listing(root, classes, labelled_pictures(root, classes), note="photographs")


def _check(url: str, root: str | None, names: list[str]) -> None:
    if root is not None:
        _folder_with(names, root)
    elif not _is_zip_url(url):
        raise UserError(f"data.source.url={url}: give the http(s) address of a zip file")


def _pictures_root(url: str, folder: str, root: str | None, names: list[str]) -> Path:
    return _fetched(url, folder, names) if root is None else _folder_with(names, root)


def _is_zip_url(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in ("http", "https") and address.path.lower().endswith(".zip")


def _absent(url: str, folder: str) -> str | None:
    return None if _unpacked(url, folder).is_dir() else f"are to be downloaded from {url}"


def _unpacked(url: str, folder: str) -> Path:
    return (Path(folder).absolute() / PurePosixPath(urlsplit(url).path).name).with_suffix("")


def _fetched(url: str, folder: str, names: list[str]) -> Path:
    """The folder with `names` out of the zip file at `url`; downloads and unpacks it where needed."""
    unpacked = _unpacked(url, folder)
    archive = unpacked.with_name(PurePosixPath(urlsplit(url).path).name)
    if not unpacked.is_dir():
        try:
            unpacked.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{unpacked.parent} cannot be made: {error.strerror or error}") from None
        with one_process_at(unpacked):
            if not unpacked.is_dir():  # else another process has been quicker
                if not archive.exists():
                    download(url, archive)
                unpack(archive, unpacked)
                archive.unlink()
    return _folder_with(names, str(unpacked))


def _folder_with(names: list[str], root: str) -> Path:
    """The folder that holds folders called `names`: `root`, one in it, or the parent of one of them."""
    top = readable_folder(root)
    for folder in _candidates(top, names):
        there = {class_of(name, names) for name in subfolders(folder)}
        if there.issuperset(range(len(names))):
            return folder
    found = ", ".join(subfolders(top)) or "none"
    raise UserError(f"{top} has no folders {' and '.join(names)} (folders there: {found}): set data.root")


def _candidates(top: Path, names: list[str]) -> Iterator[Path]:
    yield top
    if class_of(top.name, names) is not None:
        yield top.parent
    yield from (top / name for name in subfolders(top))
