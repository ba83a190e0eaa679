"""Two archives on Google Drive: one to train on, one to predict."""

from __future__ import annotations

import importlib.util
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.locks import one_process_at
from catdog_exp.paths import LocalPath
from catdog_exp.sources.folders import folder_with_classes, listing_in
from catdog_exp.sources.source import Listing, Source
from catdog_exp.sources.unpack import unpack

_FILE_ID = re.compile(r"https://(?:drive|docs)\.google\.com/.*?(?:[?&]id=|/d/)([\w-]+)")

BY_HAND = "download it in a browser, unpack it and use data=folder data.root=DIR"
NO_GDOWN = f"data=drive needs gdown: `pip install catdog-exp[drive]`; or {BY_HAND}"


@dataclass(frozen=True)
class Drive(Source):
    """Zip files on Google Drive, fetched with gdown (the extra `drive`) and unpacked, once.

    train_url: link of the archive with a folder for each class, anywhere inside it.
    predict_url: link of the archive of unlabelled pictures.
    folder: where they are unpacked, each in a folder named by its file's id on Google Drive.
    """

    train_url: str
    predict_url: str
    folder: LocalPath

    has_test_pictures = True

    def check(self, classes: list[str]) -> None:  # noqa: ARG002 - known only once they are downloaded
        """Raise UserError for a link of no file on Google Drive, and when gdown is needed and missing."""
        _file_id(self.predict_url)
        if not self._unpacked(self.train_url).is_dir() and importlib.util.find_spec("gdown") is None:
            raise UserError(NO_GDOWN)

    def absent(self) -> str | None:
        """The first archive, where it is still to be downloaded."""
        return None if self._unpacked(self.train_url).is_dir() else f"are to be downloaded from {self.train_url}"

    def listing(self, classes: list[str]) -> Listing:
        """The pictures of the first archive; downloads it where needed."""
        return listing_in(folder_with_classes(self._fetched(self.train_url), classes), classes)

    def test_pictures(self) -> Path | None:
        """The folder of the second archive's pictures; downloads it where needed."""
        folder = self._fetched(self.predict_url)
        while len(inner := [each for each in folder.iterdir() if each.name[0] not in "._"]) == 1:
            if not inner[0].is_dir():
                break
            folder = inner[0]
        return folder

    def _unpacked(self, url: str) -> Path:
        return Path(self.folder).absolute() / f"drive-{_file_id(url)}"

    def _fetched(self, url: str) -> Path:
        unpacked = self._unpacked(url)
        if not unpacked.is_dir():
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            with one_process_at(unpacked):
                if not unpacked.is_dir():  # else another process has been quicker
                    archive = unpacked.with_name(unpacked.name + ".zip")
                    if not archive.exists():
                        _download(url, archive)
                    unpack(archive, unpacked)
                    archive.unlink()
        return unpacked


def _file_id(url: str) -> str:
    found = _FILE_ID.match(url)
    if found is None:
        raise UserError(f"{url} is not the link of a file on Google Drive: give one with the file's id")
    return found[1]


def _download(url: str, archive: Path) -> None:
    try:
        import gdown
    except ImportError:
        raise UserError(NO_GDOWN) from None
    try:
        # gdown too writes to a file of another name first, and resumes the one it finds.
        written = gdown.download(id=_file_id(url), output=str(archive), resume=True)
    except Exception as error:  # gdown lets through whatever its libraries raise
        raise UserError(f"Google Drive does not give {url} ({_reason(error)}): {BY_HAND}") from None
    if written is None:
        raise UserError(f"Google Drive does not give {url}: {BY_HAND}")
    if not zipfile.is_zipfile(archive):
        archive.unlink()
        raise UserError(f"Google Drive gave something else than a zip file for {url}: {BY_HAND}")


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return "it cannot be reached"
    return " ".join(str(error).split())[:160] or type(error).__name__
