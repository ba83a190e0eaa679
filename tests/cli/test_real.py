"""The main job on the real photographs, whole."""

import time

import pytest

from tests.cli.store import runs


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_main_job_learns_cats_from_dogs_within_minutes(catdog, tmp_path, real_pictures):
    start = time.monotonic()
    done = catdog("data=filtered", f"data.root={real_pictures}", timeout=600)
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    assert "packed 2,000 + 1,000 pictures (cat 1,500, dog 1,500)" in done.stdout
    (pack,) = (path.parent for path in tmp_path.glob("outputs/packs/*/manifest.json"))
    for line in (pack / "train_file.lst").read_text().splitlines():
        _, label, path = line.split("\t")
        assert path.startswith("train/cats/" if float(label) == 0 else "train/dogs/")
    (run,) = runs(tmp_path)
    assert run.data.metrics["best/accuracy"] >= 0.70
    assert seconds < 300
