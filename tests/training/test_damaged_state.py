"""A training whose kept state is damaged, cannot be read, or is of another version."""

import errno
from typing import Any

import pytest

from catdog_exp.errors import UserError
from tests.training.test_loop import go
from tests.training.test_training_state import assert_equal, interrupted


@pytest.mark.parametrize("damage", ["cut", "byte", "empty"])
def test_a_damaged_state_is_passed_over_for_the_one_before(tmp_path, caplog, damage):
    expected = go(tmp_path / "whole", epochs=5)
    interrupted(tmp_path / "parts", 3, epochs=5)
    newest = max((tmp_path / "parts").glob("state-*"))
    content = newest.read_bytes()
    middle = len(content) * 3 // 4
    kinds = {"cut": content[:middle], "byte": content[:middle] + b"~" + content[middle + 1 :], "empty": b""}
    newest.write_bytes(kinds[damage])
    with caplog.at_level("INFO"):
        found = go(tmp_path / "parts", epochs=5)
    assert f"{newest}: this training's state is damaged" in caplog.text
    assert "going on after epoch 2 of 5" in caplog.text
    assert_equal(found, expected)


def test_no_state_but_damaged_ones_starts_anew(tmp_path):
    expected = go(tmp_path / "whole")
    interrupted(tmp_path / "parts", 2)
    for state in (tmp_path / "parts").glob("state-*"):
        state.write_bytes(b"")
    assert_equal(go(tmp_path / "parts"), expected)


def test_a_changed_figure_among_the_counters_is_damage_too(tmp_path, caplog):
    expected = go(tmp_path / "whole", epochs=5)
    interrupted(tmp_path / "parts", 3, epochs=5)
    newest = max((tmp_path / "parts").glob("state-*"))
    content = newest.read_bytes()
    place = content.index(b'steps\\": ') + len(b'steps\\": ')
    newest.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with caplog.at_level("INFO"):
        found = go(tmp_path / "parts", epochs=5)
    assert f"{newest}: this training's state is damaged" in caplog.text
    assert "going on after epoch 2 of 5" in caplog.text
    assert_equal(found, expected)


def test_a_state_that_cannot_be_read_now_is_kept_for_later(tmp_path, monkeypatch):
    expected = go(tmp_path / "whole", epochs=5)
    interrupted(tmp_path / "parts", 3, epochs=5)
    import safetensors

    def refusing(*_words: Any, **_settings: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched, pytest.raises(UserError, match=r"cannot be read \(Input/output error\)"):
        patched.setattr(safetensors, "safe_open", refusing)
        go(tmp_path / "parts", epochs=5)
    assert_equal(go(tmp_path / "parts", epochs=5), expected)


def test_a_state_of_another_version_is_left_for_that_one(tmp_path, monkeypatch):
    from catdog_exp.training import training_state as unfinished

    interrupted(tmp_path, 2)
    states = sorted(tmp_path.glob("state-*"))
    monkeypatch.setattr(unfinished, "FORMAT", unfinished.FORMAT + 1)
    with pytest.raises(UserError, match=r"of another version of this program.*train\.resume=false"):
        go(tmp_path)
    assert sorted(tmp_path.glob("state-*")) == states


def test_a_damaged_best_checkpoint_has_a_copy(tmp_path, caplog):
    expected = go(tmp_path / "whole", epochs=5)
    interrupted(tmp_path / "parts", 3, epochs=5)
    (best,) = (tmp_path / "parts").glob("best-*[0-9].safetensors")
    content = best.read_bytes()
    best.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with caplog.at_level("INFO"):
        found = go(tmp_path / "parts", epochs=5)
    assert f"{best}: this checkpoint is damaged" in caplog.text
    assert "going on after epoch 3 of 5" in caplog.text
    assert_equal(found, expected)
