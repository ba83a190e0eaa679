"""Pictures that arrive in a folder while it is watched."""

import os

import pytest

from catdog_exp.inference import arrivals as module
from catdog_exp.inference.arrivals import arrivals


@pytest.fixture
def clock(monkeypatch):
    """Seconds, which go by where the watch would sleep."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_a_file_is_given_once_when_it_has_stopped_changing(tmp_path, clock):
    looks = arrivals(tmp_path)
    file = tmp_path / "deep" / "1.jpg"

    def given():
        return [picture.path for picture in next(looks)]

    assert given() == []
    file.parent.mkdir()
    for size in range(1, 6):  # it grows for longer than a quiet file waits
        file.write_bytes(bytes(size))
        assert given() == []
    os.utime(file, ns=(1, 1))  # of the same size, and written to
    waited = [given() for _ in range(8)]
    assert [paths for paths in waited if paths] == [[file]]
    assert waited[0] == waited[1] == []
    file.write_bytes(b"another picture")
    assert [paths for paths in (given() for _ in range(8)) if paths] == [[file]]
    file.unlink()
    assert given() == []
