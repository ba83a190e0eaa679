"""The folders of attempts that were cut off."""

import pytest

from catdog_exp.experiment.attempts import join_earlier


def attempt(tmp_path, name, **files):
    folder = tmp_path / "outputs" / "runs" / "2026-01-01" / name
    (folder / ".hydra").mkdir(parents=True)
    (folder / "run.log").write_text(f"log of {name}\n")
    for file, text in files.items():
        (folder / f"{file}.png").write_text(text)
    return folder


def join(tmp_path, own):
    state = tmp_path / "outputs" / "unfinished" / "abc"
    state.mkdir(parents=True, exist_ok=True)
    join_earlier(state, tmp_path / "outputs", own)


def test_one_folder_is_left_of_many_attempts_with_all_that_they_made(tmp_path):
    attempts = [
        attempt(tmp_path, "12-00-00_a", preview="old", curves="of the first"),
        attempt(tmp_path, "12-00-01_b"),
        attempt(tmp_path, "12-00-02_c", preview="new"),
    ]
    for own in attempts[:2]:
        join(tmp_path, own)
    assert (attempts[1] / "preview.png").read_text() == "old"
    (attempts[1] / "preview.png").unlink()
    join(tmp_path, attempts[2])
    assert list((tmp_path / "outputs" / "runs" / "2026-01-01").iterdir()) == [attempts[2]]
    assert (attempts[2] / "run_earlier.log").read_text() == "log of 12-00-00_a\nlog of 12-00-01_b\n"
    assert (attempts[2] / "run.log").read_text() == "log of 12-00-02_c\n"
    assert (attempts[2] / "preview.png").read_text() == "new"
    assert (attempts[2] / "curves.png").read_text() == "of the first"


def test_what_is_there_twice_is_not_lost(tmp_path):
    first, second = (attempt(tmp_path, name, preview=name) for name in ("12-00-00_a", "12-00-01_b"))
    join(tmp_path, first)
    join(tmp_path, second)
    assert (first / "preview.png").read_text() == "12-00-00_a"
    assert (second / "preview.png").read_text() == "12-00-01_b"


@pytest.mark.parametrize("place", ["elsewhere", "outputs/runs/2026-01-01/12-00-00_a/3", "outputs/runs/../precious/x"])
def test_a_folder_that_is_no_single_run_s_is_left_alone(tmp_path, place):
    other = tmp_path / place
    other.mkdir(parents=True)
    (other / "mine.txt").write_text("mine")
    own = attempt(tmp_path, "12-00-01_b")
    join(tmp_path, own)
    (tmp_path / "outputs" / "unfinished" / "abc" / "attempt").write_text(str(other))
    join(tmp_path, own)
    assert (other / "mine.txt").read_text() == "mine"
