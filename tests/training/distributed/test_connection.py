"""Connections between workers: whole messages, and a loss that is noticed and told in one line."""

import socket
import time

import pytest

from catdog_exp.training.distributed import connection as links
from catdog_exp.training.distributed.connection import LOST, Link


@pytest.fixture
def pair():
    """Two ends of a connection, the lines of loss that each was told, and the plain socket of the second."""
    server = socket.create_server(("127.0.0.1", 0))
    there = socket.create_connection(server.getsockname())
    here, _ = server.accept()
    told: tuple[list[str], list[str]] = ([], [])
    ends = Link(here, 1, told[0].append), Link(there, 0, told[1].append)
    yield *ends, *told, there
    for end in ends:
        end.close()
    server.close()


def eventually(lines: list[str]) -> str:
    """The first line, waited for."""
    last = time.monotonic() + 10
    while not lines:
        assert time.monotonic() < last
        time.sleep(0.01)
    return lines[0]


@pytest.mark.parametrize("content", [b"", b"word", bytes(3 * links.PIECE + 1)])
def test_messages_come_whole_and_in_order(pair, content):
    one, other, *_ = pair
    for part in (content, b"next"):
        one.send(part)
    assert [other.messages.get(timeout=10) for _ in range(2)] == [content, b"next"]


def test_a_connection_that_ends_is_a_lost_worker(pair):
    _, other, told, _, _ = pair
    other.close()
    assert eventually(told) == "worker 1 is gone (its connection has ended)"


def test_a_worker_that_is_done_is_not_lost(pair):
    one, other, told, told_other, _ = pair
    one.send(b"last")
    one.done()
    other.done()
    assert other.messages.get(timeout=10) == b"last"
    time.sleep(0.2)
    assert not told + told_other


def test_a_silent_worker_is_lost(monkeypatch):
    monkeypatch.setattr(links, "SILENCE", 0.3)
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = socket.create_connection(server.getsockname())
        link = Link(server.accept()[0], 4, told.append)
        assert eventually(told).startswith("worker 4 is gone (no sign of life for ")
        link.close()
        silent.close()


def test_signs_of_life_keep_a_worker(monkeypatch):
    monkeypatch.setattr(links, "SILENCE", 1.0)
    monkeypatch.setattr(links, "EVERY", 0.1)
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ends = [Link(socket.create_connection(server.getsockname()), 0, told.append)]
        ends.append(Link(server.accept()[0], 1, told.append))
        time.sleep(2.0)
        assert not told
        for end in ends:
            end.done()


def test_word_of_a_loss_is_passed_on(pair):
    one, _, _, told, _ = pair
    one.send(b"worker 7 is gone", LOST)
    assert eventually(told) == "worker 7 is gone"
