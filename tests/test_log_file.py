"""A run's log where the disk refuses it."""

import logging

import pytest

from catdog_exp.log_file import LogFile


@pytest.fixture
def logger():
    made = logging.Logger("test")
    yield made
    for handler in made.handlers:
        handler.stream = None


@pytest.mark.parametrize(("file", "reason"), [("/dev/full", "No space left"), ("/proc/none/run.log", "No such file")])
def test_a_log_that_cannot_be_written_is_one_line_however_much_is_logged(logger, capsys, file, reason):
    logger.addHandler(LogFile(file))
    for number in range(3):
        logger.error("line %d", number)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert shown[0].startswith(f"{file} cannot be written: {reason}")


def test_what_is_logged_stands_in_the_file(logger, tmp_path):
    logger.addHandler(LogFile(str(tmp_path / "run.log")))
    assert not (tmp_path / "run.log").exists()
    logger.error("größer")
    assert (tmp_path / "run.log").read_text(encoding="utf-8") == "größer\n"
