import logging
import multiprocessing
import os
import re
import signal
import socket
import threading
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from catdog_exp.locks import (
    lock_if_free,
    one_process_at,
    remove_leftovers,
    remove_whole,
    whole_folder,
    write_through,
)

SPAWN = multiprocessing.get_context("spawn")


def _make_slowly(place: Path, started: Event) -> None:
    with one_process_at(place), whole_folder(place) as making:
        (making / "half").write_text("half")
        started.set()
        time.sleep(60)


@pytest.fixture
def maker(tmp_path: Path):
    """A process that is in the middle of making `tmp_path`/thing."""
    started = SPAWN.Event()
    process = SPAWN.Process(target=_make_slowly, args=(tmp_path / "thing", started))
    process.start()
    assert started.wait(60)
    yield process
    process.kill()
    process.join()


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".lock"))


def test_the_folder_is_there_at_the_end_of_the_block_and_not_before(tmp_path: Path):
    place = tmp_path / "thing"
    with one_process_at(place), whole_folder(place) as making:
        (making / "file").write_text("content")
        write_through(making)
        assert not place.exists()
    assert _names(tmp_path) == ["thing"]
    assert (place / "file").read_text() == "content"


def test_an_error_leaves_what_was_there(tmp_path: Path):
    place = tmp_path / "thing"
    place.mkdir()
    (place / "file").write_text("old")
    with pytest.raises(ZeroDivisionError), one_process_at(place), whole_folder(place) as making:
        (making / "file").write_text("new")
        raise ZeroDivisionError
    assert _names(tmp_path) == ["thing"]
    assert (place / "file").read_text() == "old"


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path):
    place = tmp_path / "thing"
    for text in ("old", "new"):
        with one_process_at(place), whole_folder(place) as making:
            (making / text).touch()
    assert _names(tmp_path) == ["thing"]
    assert _names(place) == ["new"]


def test_who_waits_is_told_for_whom_and_gets_on_when_it_is_killed(tmp_path: Path, maker, caplog):
    place = tmp_path / "thing"
    killer = threading.Timer(1, lambda: os.kill(maker.pid, signal.SIGKILL))
    killer.start()
    with caplog.at_level(logging.INFO), one_process_at(place):
        assert _names(tmp_path) == [".thing.owner", "thing.making"]
        with whole_folder(place) as making:
            assert _names(making) == []
    killer.join()
    assert _names(tmp_path) == ["thing"]
    (line,) = caplog.messages
    since = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
    host = re.escape(socket.gethostname())
    assert re.fullmatch(
        rf"waiting for process {maker.pid} on {host} \(since {since}\), at work on {re.escape(str(place))}", line
    )


def test_leftovers_of_the_dead_are_removed_and_of_the_living_not(tmp_path: Path, maker):
    (tmp_path / "dead.making" / "inner").mkdir(parents=True)
    (tmp_path / "dead.old").mkdir()
    (tmp_path / ".dead.owner").write_text("{}")
    (tmp_path / "other").mkdir()
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == [".thing.owner", "other", "thing.making"]
    os.kill(maker.pid, signal.SIGKILL)
    maker.join()
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == ["other"]


def test_leftovers_of_no_folder_are_none(tmp_path: Path):
    remove_leftovers(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_lock_that_another_process_has_is_not_waited_for(tmp_path: Path, maker):
    with lock_if_free(tmp_path / "thing") as held:
        assert not held
    with lock_if_free(tmp_path / "other") as held:
        assert held


def test_what_is_removed_is_gone_with_its_lock(tmp_path: Path):
    place = tmp_path / "thing"
    (place / "inner").mkdir(parents=True)
    with lock_if_free(place):
        remove_whole(place)
    assert list(tmp_path.iterdir()) == []


def test_who_waits_while_the_lock_is_removed_still_gets_it_alone(tmp_path: Path):
    place = tmp_path / "thing"
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            with one_process_at(place):
                inside.append(number)
                most.append(len(inside))
                place.mkdir()
                inside.remove(number)
                remove_whole(place)  # the lock goes with it: from here on another may be inside

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 80
