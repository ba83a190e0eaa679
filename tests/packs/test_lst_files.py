from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.escaping import escaped, unescaped
from catdog_exp.packs.lst_files import Entry, read_list, write_list


def test_a_list_is_written_as_im2rec_writes_it(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    write_list(file, [Entry(0, 1, "dog/1.jpg"), Entry(7, 0, "cat/süß 猫.jpg")])
    assert file.read_bytes() == "0\t1.000000\tdog/1.jpg\n7\t0.000000\tcat/süß 猫.jpg\n".encode()


def test_a_written_list_reads_back(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    entries = [Entry(0, 1, "dog/1.jpg"), Entry(7, 0, "cat/süß 猫.jpg"), Entry(8, 12, "not utf-8 \udcff.jpg")]
    write_list(file, entries)
    assert read_list(file) == entries


NAMES = [
    "a\tb.jpg",
    "two\nlines.jpg",
    "old\rmac.jpg",
    "bell\x07 escape\x1b delete\x7f.jpg",
    "latin \udce9t\udce9.jpg",
    r"a\x09 in letters.jpg",
    r"C:\pictures\x.jpg",
    r"a\x5cx09.jpg",
    "backslash and tab \\\t\\x\t.jpg",
]


def test_any_name_is_one_line_of_utf_8_and_reads_back(tmp_path: Path):
    file = tmp_path / "train_file.lst"
    entries = [Entry(index, 0, name) for index, name in enumerate(NAMES)]
    write_list(file, entries)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [line.count("\t") for line in lines] == [2] * len(NAMES)
    assert lines[0] == "0\t0.000000\ta\\x09b.jpg"
    assert read_list(file) == entries


def test_ordinary_names_are_not_escaped(tmp_path: Path):
    for name in ("100 % süß 猫 🐈.jpg", r"cats\001.jpg", r"cats\xbox.jpg"):
        assert escaped(name) == name == unescaped(name)


def test_a_list_with_windows_line_ends_is_read(tmp_path: Path):
    file = tmp_path / "a.lst"
    file.write_bytes(b"0\t1.000000\tdog/1.jpg\r\n\r\n1\t0\tcat/1.jpg\r\n")
    assert read_list(file) == [Entry(0, 1, "dog/1.jpg"), Entry(1, 0, "cat/1.jpg")]


@pytest.mark.parametrize(
    "line",
    ["0\tdog/1.jpg", "0\t0.5\tdog/1.jpg", "0\tnan\tdog/1.jpg", "0\t1\t2\tdog/1.jpg", "x\t1\tdog/1.jpg"],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str):
    file = tmp_path / "a.lst"
    file.write_text(f"0\t1.000000\tdog/0.jpg\n{line}\n")
    with pytest.raises(UserError, match=r"a\.lst, line 2: "):
        read_list(file)
