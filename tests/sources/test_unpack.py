import random
import stat
import zipfile
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sources.unpack import unpack


def zipped(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_all_files_are_there_and_nothing_else(tmp_path):
    files = {"train/cats/1.jpg": b"one", "train/dogs/ünï.jpg": b"two", "readme.txt": b""}
    unpack(zipped(tmp_path / "a.zip", files), tmp_path / "a")
    found = {
        path.relative_to(tmp_path / "a").as_posix(): path.read_bytes()
        for path in (tmp_path / "a").rglob("*")
        if path.is_file()
    }
    assert found == files
    assert not [path for path in tmp_path.iterdir() if path.is_dir() and path.name != "a"]


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "cats/../../evil.jpg", "/evil.jpg", "C:/evil.jpg", "..\\evil.jpg", "c:evil.jpg"]
)
def test_a_name_that_points_outside_is_refused_before_anything_is_written(tmp_path, name):
    archive = zipped(tmp_path / "a.zip", {"cats/1.jpg": b"one", name: b"evil"})
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match=r"a\.zip.*evil.*outside"):
        unpack(archive, tmp_path / "in" / "a")
    assert [path.name for path in tmp_path.rglob("*") if path.suffix == ".jpg"] == []


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("cats")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc")
        archive.writestr("cats/passwd", b"evil")
    with pytest.raises(UserError, match="is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_bomb_is_refused(tmp_path):
    bomb = zipped(tmp_path / "a.zip", {"big.jpg": bytes(120 * 1024**2)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 200_000
    with pytest.raises(UserError, match=r"would unpack to 0\.1 GB"):
        unpack(bomb, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_small_archive_of_empty_pictures_is_no_bomb(tmp_path):
    unpack(zipped(tmp_path / "a.zip", {"big.jpg": bytes(1024**2)}, zipfile.ZIP_DEFLATED), tmp_path / "a")
    assert (tmp_path / "a" / "big.jpg").stat().st_size == 1024**2


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def damaged(data: bytes) -> bytes:
    return data[:1000] + bytes([data[1000] ^ 255]) + data[1001:]


def no_archive(data: bytes) -> bytes:
    return b"<html>Sign in</html>"


@pytest.mark.parametrize("spoilt", [truncated, damaged, no_archive])
def test_a_spoilt_archive_is_named_and_to_be_deleted(tmp_path, spoilt):
    archive = zipped(tmp_path / "a.zip", {"cats/1.jpg": random.Random(0).randbytes(5000)})
    archive.write_bytes(spoilt(archive.read_bytes()))
    with pytest.raises(UserError, match=r"a\.zip is not a whole zip file.*delete it and run again"):
        unpack(archive, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
