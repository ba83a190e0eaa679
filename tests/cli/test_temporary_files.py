"""Where temporary files are made: a kill leaves those behind that nobody knows of."""

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
@pytest.mark.parametrize(
    ("words", "place"), [([], "outputs/unsent/*.tmp/*"), (["-m", "train.seed=0"], "temporary/pymp-*/*")]
)
def test_they_are_where_the_next_attempt_removes_them(installed, tmp_path, words, place):
    (tmp_path / "sitecustomize.py").write_text(NOTE)
    temporary, made = tmp_path / "temporary", tmp_path / "made"
    temporary.mkdir()
    done = installed(*words, *SMALL, TMPDIR=str(temporary), PYTHONPATH=str(tmp_path), MADE=str(made))
    assert done.returncode == 0, done.stderr
    folders = [tmp_path.joinpath(line) for line in made.read_text().splitlines()]
    of_mlflow = [folder for folder in folders if folder.name.startswith("tmp")]
    assert of_mlflow
    assert all(folder.match(str(tmp_path / place)) for folder in of_mlflow)
    assert not list(temporary.iterdir())
    assert not list((tmp_path / "outputs" / "unsent").iterdir())
