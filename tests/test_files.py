"""Files that are either whole or not there."""

import pytest

from catdog_exp.errors import UserError
from catdog_exp.files import replacing


def write_half(file):
    with replacing(file) as aside:
        aside.write_text("half")
        raise ZeroDivisionError


def test_what_is_written_takes_the_files_place(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("old")
    with replacing(file) as aside:
        aside.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_the_system_refuses_is_the_users_to_mend(tmp_path):
    missing = tmp_path / "nowhere" / "table.csv"
    with (
        pytest.raises(UserError, match=r"nowhere.*cannot be written: No such file or directory"),
        replacing(missing) as aside,
    ):
        aside.write_text("new")

    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(UserError, match="cannot be written: Not a directory"),
        replacing(tmp_path / "file" / "table.csv") as aside,
    ):
        aside.write_text("new")

    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="folder cannot be written"), replacing(tmp_path / "folder") as aside:
        aside.write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
