"""Text in columns, on a terminal and elsewhere."""

import sys

import pytest
from rich.cells import cell_len

from catdog_exp.tables import cut, table
from tests.conftest import Terminal

LONG = "/a/long/folder/" + "x" * 80 + "/end.jpg"


@pytest.fixture
def wide(monkeypatch):
    """Makes standard output a terminal of so many columns."""

    def show(columns: int) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "stdout", Terminal())

    return show


def test_columns_line_up_and_numbers_stand_on_the_right():
    assert table(["job", "name", "loss"], [["1", "cat", "0.5"], ["12", "猫猫猫", "10.25"]], right={0, 2}) == [
        "job  name     loss",
        "  1  cat       0.5",
        " 12  猫猫猫  10.25",
    ]


def test_off_a_terminal_a_row_is_a_whole_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = table(["id", "path"], [["1", LONG], ["2", f"{LONG}\n{LONG}"]], elastic=[1])
    assert lines[1:] == [f"1   {LONG}", f"2   {LONG}?{LONG}"]


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_on_a_terminal_the_middle_of_long_text_gives_way(wide, columns):
    wide(columns)
    number = "0123456789" * 2
    lines = table(["number", "path"], [[number, LONG], [number, "猫" * 80]], elastic=[1])
    assert cell_len(lines[1]) == columns
    assert columns - 2 <= cell_len(lines[2]) <= columns
    assert all(line.startswith(number) for line in lines[1:])
    assert lines[1].endswith("end.jpg")
    assert "…" in lines[1]
    assert "…" in lines[2]


def test_what_there_is_room_for_is_whole(wide):
    wide(len(LONG) + 4)
    assert table(["id", "a.path"], [["1", LONG]], elastic=[1]) == ["id  a.path", f"1   {LONG}"]


def test_columns_that_find_no_room_are_named(wide):
    wide(30)
    lines = table(["id", "a.first", "a.second"], [["x" * 12, LONG, LONG]], elastic=[1, 2])
    assert lines[0] == "id            first"
    assert "a.second" in lines[-1]
    assert "a.first" not in lines[-1]


def test_nothing_in_a_cell_steers_the_terminal_or_is_taken_for_markup():
    [_, line] = table(["path"], [["[red]a[/red] :cat: \x1b[31m\x9b1m\r\b\u202e\udce9.jpg"]])
    assert line == "[red]a[/red] :cat: ?[31m?1m????.jpg"


def test_a_cut_text_takes_the_room_it_has():
    for room in range(1, 12):
        assert cell_len(cut("abcdefghijklm", room)) == room
        assert room - 2 <= cell_len(cut("猫犬" * 10, room)) <= room
    assert cut("abcdefghijklm", 6) == "abc…lm"
    assert cut("short", 5) == "short"
