import io
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.archives import Archive
from tests.sources.fileserver import Site, serving

CLASSES = ["cat", "dog"]
NOWHERE = "http://127.0.0.1:9/none.zip"
FILTERED = [f"{side}/{kind}s/{kind}.{n}.jpg" for side in ("train", "validation") for kind in CLASSES for n in (1, 2)]
PET_IMAGES = [f"PetImages/{kind}/{n}.jpg" for kind in ("Cat", "Dog") for n in range(3)]


def zipped(names: list[str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, name.encode())
    return data.getvalue()


def laid_out(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def listed(url: str, folder: str) -> list[str]:
    return [picture.path for picture in Archive(url, folder).listing(CLASSES).pictures]


def test_filtered_is_downloaded_once_and_keeps_its_own_split(tmp_path):
    inside = [f"cats_and_dogs_filtered/{name}" for name in FILTERED]
    with serving(Site(zipped([*inside, "cats_and_dogs_filtered/vectorize.py"])), name="filtered.zip") as site:
        source = Archive(site.url, str(tmp_path / "pictures"))
        source.check(["cat", "dog"])
        assert site.seen == []
        listing = source.listing(CLASSES)
        again = source.listing(CLASSES)
    assert len(site.seen) == 1
    assert again == listing
    assert [picture.path for picture in listing.pictures] == FILTERED
    for picture in listing.pictures:
        assert picture.split == picture.path.split("/")[0]
        assert CLASSES[picture.label] in picture.path
        assert (listing.root / picture.path).read_text().endswith(picture.path)
    assert [path.name for path in (tmp_path / "pictures").iterdir() if path.name[0] != "."] == ["filtered"]


def test_processes_at_the_same_time_download_once(tmp_path):
    spawn = get_context("spawn")
    with serving(Site(zipped(FILTERED)), name="filtered.zip") as site, ProcessPoolExecutor(3, spawn) as pool:
        found = list(pool.map(listed, [site.url] * 3, [str(tmp_path)] * 3))
    assert found == [FILTERED] * 3
    assert len(site.seen) == 1


@pytest.mark.parametrize("root", [".", "..", "train", "validation"])
def test_a_copy_of_filtered_is_found_from_nearby(tmp_path, root):
    copy = tmp_path / "data" / "cats_and_dogs_filtered"
    laid_out(copy, FILTERED)
    source = Archive(NOWHERE, str(tmp_path / "unused"), str((copy / root).resolve()))
    source.check(["cat", "dog"])
    listing = source.listing(CLASSES)
    assert listing.root == copy
    assert [picture.path for picture in listing.pictures] == FILTERED
    assert not (tmp_path / "unused").exists()


def test_cats_dogs_25k_is_downloaded(tmp_path):
    with serving(Site(zipped([*PET_IMAGES, "readme[1].txt"])), name="kaggle.zip") as site:
        listing = Archive(site.url, str(tmp_path)).listing(CLASSES)
    assert listing.root == tmp_path / "kaggle" / "PetImages"
    assert [(picture.path, picture.label, picture.split) for picture in listing.pictures] == [
        (f"{kind}/{n}.jpg", label, None) for label, kind in enumerate(("Cat", "Dog")) for n in range(3)
    ]


@pytest.mark.parametrize("root", [".", "PetImages", "PetImages/Dog"])
def test_a_copy_of_cats_dogs_25k_is_found_from_nearby(tmp_path, root):
    laid_out(tmp_path, PET_IMAGES)
    source = Archive(NOWHERE, "unused", str(tmp_path / root))
    source.check(["cat", "dog"])
    assert source.listing(CLASSES).root == tmp_path / "PetImages"


def test_a_wrong_root_is_seen_before_any_work(tmp_path):
    laid_out(tmp_path, ["birds/1.jpg"])
    with pytest.raises(UserError, match="folders there: birds"):
        Archive(NOWHERE, "unused", str(tmp_path)).check(["cat", "dog"])
    with pytest.raises(UserError, match="no such folder"):
        Archive(NOWHERE, "unused", str(tmp_path / "nowhere")).check(["cat", "dog"])
    with pytest.raises(UserError, match=r"data\.source\.url=ftp"):
        Archive("ftp://somewhere/a.zip", "unused").check(["cat", "dog"])


def test_something_else_than_an_archive_leaves_no_pictures(tmp_path):
    with serving(Site(b"<html>Sign in first</html>"), name="filtered.zip") as site:
        source = Archive(site.url, str(tmp_path))
        with pytest.raises(UserError, match=r"filtered\.zip is not a whole zip file.*delete it"):
            source.listing(CLASSES)
        assert not (tmp_path / "filtered").exists()
        (tmp_path / "filtered.zip").unlink()
        site.content = zipped(FILTERED)
        assert len(source.listing(CLASSES).pictures) == len(FILTERED)


def test_real_photographs_keep_their_split(real_pictures):
    pictures = Archive(NOWHERE, "unused", str(real_pictures)).listing(CLASSES).pictures
    counts = {
        (split, label): sum(picture.split == split and picture.label == label for picture in pictures)
        for split in ("train", "validation")
        for label in (0, 1)
    }
    assert counts == {("train", 0): 1000, ("train", 1): 1000, ("validation", 0): 500, ("validation", 1): 500}
