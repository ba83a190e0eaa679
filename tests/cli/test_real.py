"""Whole runs on the real photographs."""

import time
from hashlib import sha256

import numpy as np
import pytest

from catdog_exp.data.decoded import decode_records
from catdog_exp.inference.classifier import Classifier
from catdog_exp.packs.lst_files import read_list
from tests.cli.store import runs


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_main_job_learns_cats_from_dogs_within_minutes(installed, tmp_path, real_pictures):
    start = time.monotonic()
    done = installed("data=filtered", f"data.root={real_pictures}", timeout=600)
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whoever_goes_on_with_more_pictures_is_judged_on_those_never_seen(catdog, tmp_path, real_pictures):
    pictures = {name: sorted((real_pictures / "train" / f"{name}s").iterdir()) for name in ("cat", "dog")}

    def add(start, stop):
        for name, files in pictures.items():
            (tmp_path / "mine" / name).mkdir(parents=True, exist_ok=True)
            for file in files[start:stop]:
                (tmp_path / "mine" / name / file.name).symlink_to(file)

    words = ["data=folder", f"data.root={tmp_path / 'mine'}", "data.split_ratio=0.8", "train.epochs=3"]
    add(0, 200)
    assert catdog(*words, "stages=[pack,train]").returncode == 0
    (first,) = runs(tmp_path)
    add(200, 250)  # 100 others
    done = catdog(*words, f"train.init_from={first.info.run_id}")
    assert done.returncode == 0, done.stderr

    def digests(pack, side):
        return [sha256((tmp_path / "mine" / entry.path).read_bytes()).digest() for entry in read_list(pack / side)]

    by_age = sorted(tmp_path.glob("outputs/packs/*/manifest.json"), key=lambda file: file.stat().st_mtime_ns)
    before, now = (file.parent for file in by_age)
    seen = {*digests(before, "train_file.lst"), *digests(now, "train_file.lst")}
    never = np.array([digest not in seen for digest in digests(now, "validation_file.lst")])
    assert (~never).sum() <= 100  # no more have changed their side than were added
    second = runs(tmp_path)[-1]
    best = next(tmp_path.glob(f"outputs/artifacts/**/{second.info.run_id}/**/best.safetensors"))
    judged = decode_records([now / "validation_file.rec"], 32, threads=2)
    probabilities = Classifier.load(best).probabilities_of(judged)
    right = probabilities.argmax(axis=1) == judged.labels
    assert second.data.metrics["best/pictures"] == never.sum()
    assert second.data.metrics["best/accuracy"] == pytest.approx(right[never].mean(), abs=1e-12)
    assert second.data.metrics["objective"] == pytest.approx(right[never].mean(), abs=1e-12)
