import importlib.util
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.drive import Drive

CLASSES = ["cat", "dog"]
TRAIN = "https://drive.google.com/open?id=0B0ChXT-train"
PREDICT = "https://drive.google.com/file/d/1predict_me/view?usp=sharing"


@pytest.fixture
def gdown(monkeypatch):
    """Stands for gdown, which asks Google: `gdown(give)` lets `give(id, path)` answer instead."""
    asked = []

    def install(give: Callable[[str, Path], str | None]) -> list[str]:
        def download(*, id: str, output: str, resume: bool) -> str | None:
            assert resume
            asked.append(id)
            return give(id, Path(output))

        module = types.ModuleType("gdown")
        module.download = download
        module.__spec__ = importlib.util.spec_from_loader("gdown", loader=None)
        monkeypatch.setitem(sys.modules, "gdown", module)
        return asked

    return install


@pytest.fixture
def no_gdown(monkeypatch):
    monkeypatch.delitem(sys.modules, "gdown", raising=False)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "gdown").exists()])
    importlib.invalidate_caches()


def archives(id_: str, path: Path) -> str:
    names = {
        "0B0ChXT-train": ["full_train_data/cat/1.jpg", "full_train_data/dog/1.jpg", "__MACOSX/._x"],
        "1predict_me": ["test/1.jpg", "test/2.jpg"],
    }[id_]
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return str(path)


def test_both_archives_are_fetched_once(tmp_path, gdown):
    asked = gdown(archives)
    source = Drive(TRAIN, PREDICT, str(tmp_path))
    source.check(["cat", "dog"])
    assert source.absent() == f"are to be downloaded from {TRAIN}"
    assert asked == []
    for _ in range(2):
        listing = source.listing(CLASSES)
        assert listing.root == tmp_path / "drive-0B0ChXT-train" / "full_train_data"
        assert [(picture.path, picture.label) for picture in listing.pictures] == [
            ("cat/1.jpg", 0),
            ("dog/1.jpg", 1),
        ]
        pictures = source.test_pictures()
        assert sorted(path.name for path in pictures.iterdir()) == ["1.jpg", "2.jpg"]
    assert source.absent() is None
    assert asked == ["0B0ChXT-train", "1predict_me"]


def raises(_id: str, _path: Path) -> None:
    raise RuntimeError("Failed to retrieve file url:\n\n\tToo many users have viewed or downloaded this file.")


def gives_nothing(_id: str, _path: Path) -> None:
    return None


def gives_a_page(_id: str, path: Path) -> str:
    path.write_text("<!DOCTYPE html><title>Google Drive - Quota exceeded</title>")
    return str(path)


@pytest.mark.parametrize("give", [raises, gives_nothing, gives_a_page])
def test_a_refusal_is_one_line_that_names_the_link_and_the_way_around(tmp_path, gdown, give):
    gdown(give)
    with pytest.raises(UserError) as caught:
        Drive(TRAIN, PREDICT, str(tmp_path)).listing(CLASSES)
    line = str(caught.value)
    assert TRAIN in line
    assert "in a browser" in line
    assert "data=folder data.root=DIR" in line
    assert "\n" not in line
    assert [path.name for path in tmp_path.iterdir() if path.name[0] != "."] == []


@pytest.mark.usefixtures("no_gdown")
def test_without_gdown_the_extra_is_named_before_any_work(tmp_path):
    source = Drive(TRAIN, PREDICT, str(tmp_path))
    for ask in (source.check, source.listing):
        with pytest.raises(UserError, match=r"catdog-exp\[drive\].*data=folder data\.root=DIR"):
            ask(CLASSES)


@pytest.mark.usefixtures("no_gdown")
def test_pictures_that_are_there_need_no_gdown(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "drive-0B0ChXT-train" / name).mkdir(parents=True)
        (tmp_path / "drive-0B0ChXT-train" / name / "1.jpg").write_bytes(b"")
    source = Drive(TRAIN, PREDICT, str(tmp_path))
    source.check(["cat", "dog"])
    assert len(source.listing(CLASSES).pictures) == 2


@pytest.mark.parametrize("link", ["https://example.org/a.zip", "https://drive.google.com/drive/my-drive", ""])
def test_a_link_without_a_file_is_seen_before_any_work(tmp_path, link):
    with pytest.raises(UserError, match="not the link of a file on Google Drive"):
        Drive(TRAIN, link, str(tmp_path)).check(["cat", "dog"])
    with pytest.raises(UserError, match="not the link of a file on Google Drive"):
        Drive(link, PREDICT, str(tmp_path)).check(["cat", "dog"])


def test_an_archive_without_the_classes_is_one_line(tmp_path, gdown):
    gdown(archives)
    with pytest.raises(UserError, match="a folder for each of cat, bird"):
        Drive(TRAIN, PREDICT, str(tmp_path)).listing(["cat", "bird"])
