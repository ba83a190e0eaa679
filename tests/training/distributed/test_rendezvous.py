"""Workers find each other, and one that does not belong is turned away with the reason."""

import json
import socket
import threading
import time
from contextlib import suppress

import pytest

from catdog_exp.errors import UserError
from catdog_exp.training.distributed import rendezvous as meeting
from catdog_exp.training.distributed.rendezvous import await_others, reach_first, start_others

SETTINGS = {"train.lr": 0.1, "model.layers": 2}


@pytest.fixture
def root() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def first(root):
    """Worker 0 of three, waiting; `first()` gives the connections when all are there."""
    found: list[list[socket.socket]] = []
    thread = threading.Thread(target=lambda: found.append(await_others(root, 3, SETTINGS)), daemon=True)
    thread.start()

    def connections() -> list[socket.socket]:
        thread.join(20)
        return found[0]

    return connections


class Comer(threading.Thread):
    """A worker that comes; what it was told, or the line it was turned away with."""

    def __init__(self, root: str, rank: int, workers: int = 3, settings: dict = SETTINGS) -> None:
        super().__init__(daemon=True)
        self.arguments = root, rank, workers, settings
        self.outcome = None
        self.start()

    def run(self) -> None:
        try:
            self.connection, self.outcome = reach_first(*self.arguments)
        except UserError as error:
            self.outcome = str(error)

    def ended(self):
        self.join(20)
        return self.outcome


def test_all_start_with_the_first_one_s_word_in_the_order_of_their_ranks(root, first):
    comers = [Comer(root, rank) for rank in (2, 1)]
    connections = first()
    start_others(connections, {"port": 5})
    assert [comer.ended() for comer in comers] == [{"port": 5}] * 2
    by_rank = [comers[1].connection.getsockname(), comers[0].connection.getsockname()]
    assert [connection.getpeername() for connection in connections] == by_rank


@pytest.mark.parametrize(
    ("rank", "changes", "told"),
    [
        (1, {"settings": {**SETTINGS, "train.lr": 0.2}}, "train.lr=0.2: worker 0 has 0.1, all must have the same"),
        (3, {}, "hardware.rank=3 of hardware.workers=3: worker 0 waits for ranks 1 to 2"),
        (1, {"workers": 2}, "hardware.rank=1 of hardware.workers=2: worker 0 waits for ranks 1 to 2"),
    ],
)
def test_one_that_does_not_belong_is_turned_away_and_the_others_are_waited_for(root, first, rank, changes, told):
    assert Comer(root, rank, **changes).ended() == told
    comers = [Comer(root, rank) for rank in (1, 2)]
    start_others(first(), {})
    assert [comer.ended() for comer in comers] == [{}] * 2


def test_a_rank_that_is_taken_is_free_again_when_its_worker_has_gone(root, first):
    time.sleep(0.3)
    gone = socket.create_connection(meeting.split(root))
    meeting.send(gone, json.dumps({"rank": 1, "workers": 3, "settings": SETTINGS}).encode())
    assert Comer(root, 1).ended() == "hardware.rank=1: another worker has this rank"
    gone.close()
    comers = [Comer(root, rank) for rank in (1, 2)]
    start_others(first(), {})
    assert [comer.ended() for comer in comers] == [{}] * 2


def test_what_is_no_worker_is_ignored(root, first):
    time.sleep(0.3)
    with socket.create_connection(meeting.split(root)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            assert stranger.recv(100) == b""
    comers = [Comer(root, rank) for rank in (1, 2)]
    start_others(first(), {})
    assert [comer.ended() for comer in comers] == [{}] * 2


def test_a_port_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        root = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"hardware\.root={root}: worker 0 cannot open port"):
            await_others(root, 2, {})


def test_a_worker_that_never_comes_is_named(root, monkeypatch):
    monkeypatch.setattr(meeting, "PATIENCE", 0.1)
    with pytest.raises(UserError, match="not all workers have come, missing: 1, 2"):
        await_others(root, 3, {})


def test_a_first_worker_that_never_answers_is_told(root, monkeypatch):
    monkeypatch.setattr(meeting, "PATIENCE", 0.1)
    with pytest.raises(UserError, match=rf"hardware\.root={root}: worker 0 cannot be reached"):
        reach_first(root, 1, 2, {})
