"""Where temporary files are made: a kill leaves those behind that nobody knows of."""

import tempfile
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL

NOTE = """
import os, tempfile
make = tempfile.mkdtemp
def noted(*args, **kwargs):
    made = make(*args, **kwargs)
    with open(os.environ["MADE"], "a") as file:
        file.write(made + "\\n")
    return made
tempfile.mkdtemp = noted
"""


@pytest.mark.slow
@pytest.mark.parametrize(("words", "place"), [([], "outputs/unsent/*.tmp/*"), (["-m", "train.seed=0"], "pymp-*/*")])
def test_they_are_where_the_next_attempt_removes_them(installed, tmp_path, words, place):
    (tmp_path / "sitecustomize.py").write_text(NOTE)
    temporary, made = tempfile.mkdtemp(prefix="t"), tmp_path / "made"  # the path of a socket must be short
    done = installed(*words, *SMALL, TMPDIR=temporary, PYTHONPATH=str(tmp_path), MADE=str(made))
    assert done.returncode == 0, done.stderr
    folders = [Path(temporary, line) for line in made.read_text().splitlines()]
    of_mlflow = [folder for folder in folders if folder.name.startswith("tmp")]
    assert of_mlflow
    assert all(folder.match(place) for folder in of_mlflow)
    Path(temporary).rmdir()  # nothing is left in it
    assert not list((tmp_path / "outputs" / "unsent").iterdir())


@pytest.mark.slow
def test_a_folder_whose_path_is_too_long_for_a_socket_is_told(installed, tmp_path):
    temporary = tmp_path / ("t" * 100)
    temporary.mkdir()
    done = installed("-m", *SMALL, "train.seed=0", TMPDIR=str(temporary))
    assert done.returncode == 2
    assert f"catdog: TMPDIR={temporary}: too long a path for a socket in it; name a shorter one\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(temporary.iterdir())
