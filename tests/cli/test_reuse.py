"""A run that comes to the same result as one that is there already."""

import shutil

import cv2
import pytest

from tests.cli.background import BEGUN, wait_until
from tests.cli.conftest import SMALL
from tests.cli.store import runs
from tests.cli.troubled import MODEL, SOURCE

pytestmark = pytest.mark.usefixtures("store_there")


@pytest.fixture
def pictures(tmp_path, finished):
    """A folder of pictures of one's own."""
    return shutil.copytree(next((finished[0] / "outputs" / "pictures").glob("synthetic-*")), tmp_path / "mine")


def test_a_finished_run_is_not_run_again(catdog, tmp_path, pictures):
    first = catdog(*SMALL[1:], "data=folder", f"data.root={pictures}")
    assert first.returncode == 0, first.stderr
    (run,) = runs(tmp_path)
    moved = pictures.rename(tmp_path / "elsewhere")
    again = catdog(*SMALL[1:], "data=folder", f"data.root={moved}", "hardware.threads=1", "data.threads=2")
    assert again.returncode == 0, again.stderr
    value = run.data.metrics["objective"]
    assert f"finished already: run {run.info.run_id[:8]}, val/accuracy {value:.4f}" in again.stdout
    assert "epoch" not in again.stdout
    assert len(runs(tmp_path)) == 1


def test_other_contents_in_the_same_folder_are_another_run(catdog, tmp_path, pictures):
    words = [*SMALL[1:], "data=folder", f"data.root={pictures}"]
    assert catdog(*words).returncode == 0
    file = next(pictures.rglob("*.jpg"))
    cv2.imwrite(str(file), 255 - cv2.imread(str(file)))
    again = catdog(*words)
    assert again.returncode == 0, again.stderr
    assert "finished already" not in again.stdout
    assert len({run.data.tags["fingerprint"] for run in runs(tmp_path)}) == 2


@pytest.mark.slow
def test_new_runs_it_again_to_the_same_bytes(catdog, tmp_path):
    for _ in range(2):
        assert catdog(*SMALL, "if_exists=new").returncode == 0
    first, second = runs(tmp_path)
    assert first.info.status == second.info.status == "FINISHED"
    assert first.data.tags["params_sha256"] == second.data.tags["params_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize(("word", "told"), [("if_exists=reuse", "waiting for its end"), ("if_exists=skip", "skipped")])
def test_the_same_run_under_way_elsewhere(catdog, tmp_path, begin, word, told):
    words = [*SMALL, "train.epochs=150"]
    first = begin(*words)
    wait_until(lambda: list(tmp_path.glob(BEGUN)), first)
    second = catdog(*words, word)
    assert second.returncode == 0, second.stderr
    assert told in second.stdout
    assert first.wait(timeout=120) == 0
    assert ("finished already" in second.stdout) == (word == "if_exists=reuse")
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"]


@pytest.mark.slow
def test_a_run_that_failed_goes_on_in_its_own_mlflow_run(catdog, tmp_path):
    (tmp_path / "troubled.py").write_text(SOURCE)
    (tmp_path / "trouble.json").write_text('{"0": "raise"}')
    words = [*SMALL, *MODEL]
    assert catdog(*words).returncode == 2  # of a class of one's own
    (tmp_path / "trouble.json").write_text("{}")
    done = catdog(*words)
    assert done.returncode == 0, done.stderr
    (run,) = runs(tmp_path)
    assert run.info.status == "FINISHED"
    assert "error" not in run.data.tags
