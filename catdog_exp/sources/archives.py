"""Public archives of pictures: downloaded and unpacked once, or read from a copy on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from catdog_exp.errors import UserError
from catdog_exp.locks import one_process_at
from catdog_exp.paths import LocalPath
from catdog_exp.sources.download import download
from catdog_exp.sources.folders import folder_with_classes, listing_in, readable_folder
from catdog_exp.sources.source import Listing, Source
from catdog_exp.sources.unpack import unpack


@dataclass(frozen=True)
class Archive(Source):
    """A zip file of pictures in class folders, anywhere inside it, or in folders for the sides with those in them.

    url: the zip file. folder: where it is unpacked, in a folder of the zip file's name.
    root: a copy on disk instead: the folder with the pictures' folders, one above it, or one of them.
    """

    url: str
    folder: LocalPath
    root: LocalPath | None = None

    def check(self, classes: list[str]) -> Listing | None:
        """Raise UserError when `root` does not hold the class folders, or `url` is none."""
        if self.root is not None:
            return self.listing(classes)
        if not _is_zip_url(self.url):
            raise UserError(f"data.source.url={self.url}: give the http(s) address of a zip file")
        return None

    def absent(self) -> str | None:
        """The archive that is still to be downloaded."""
        return None if self.root is not None else _absent(self.url, self.folder)

    def listing(self, classes: list[str]) -> Listing:
        """The pictures, each with the side that the archive puts it on; downloads them where needed."""
        top = _fetched(self.url, self.folder) if self.root is None else readable_folder(self.root)
        return listing_in(folder_with_classes(top, classes), classes)


def _is_zip_url(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in ("http", "https") and address.path.lower().endswith(".zip")


def _absent(url: str, folder: str) -> str | None:
    return None if _unpacked(url, folder).is_dir() else f"are to be downloaded from {url}"


def _unpacked(url: str, folder: str) -> Path:
    return (Path(folder).absolute() / PurePosixPath(urlsplit(url).path).name).with_suffix("")


def _fetched(url: str, folder: str) -> Path:
    """The folder with what is in the zip file at `url`; downloads and unpacks it where needed."""
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
    return unpacked
