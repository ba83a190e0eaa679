"""Pictures to doubt, and their labels corrected."""

import csv
import shutil

import cv2
import pytest

from tests.images.drawn import draw_pictures


@pytest.mark.slow
def test_a_run_lists_pictures_to_doubt_and_takes_corrections(catdog, tmp_path):
    drawn = draw_pictures(tmp_path / "drawn", edge=60).root
    for name in ("cat", "dog"):
        shutil.copytree(drawn / name, tmp_path / "pictures" / "train" / name)
        validation = tmp_path / "pictures" / "validation" / name
        validation.mkdir(parents=True)
        for number in range(5):
            (tmp_path / f"pictures/train/{name}/{number:03}.jpg").rename(validation / f"{number}.jpg")
        cv2.imwrite(str(validation / "copy.jpg"), cv2.imread(str(drawn / name / "009.jpg"))[:, ::-1])
    words = ["data=folder", "data.root=pictures", "data.resize=16", "model.width=4", "model.layers=2", "tracking=none"]
    done = catdog(*words, "train.epochs=1", "stages=[pack,train,evaluate]")
    assert done.returncode == 0, done.stderr
    assert "2 of 12 validation pictures are nearly one of another side, accuracy without them 0." in done.stdout
    (table,) = tmp_path.glob("outputs/runs/*/*/near_duplicates.csv")
    with table.open(encoding="utf-8", newline="") as lines:
        pairs = {(row["picture"], row["near"]) for row in csv.DictReader(lines)}
    assert pairs == {(f"validation/{name}/copy.jpg", f"train/{name}/009.jpg") for name in ("cat", "dog")}

    corrections = tmp_path / "corrections.csv"
    corrections.write_text("picture,correction\nvalidation/cat/copy.jpg,leave out\ntrain/dog/006.jpg,cat\n")
    planned = catdog(*words, "data.corrections=corrections.csv", "plan=true")
    assert planned.returncode == 0, planned.stderr
    assert "1 label corrected, 1 left out by hand" in planned.stdout
    assert "30 to train on, 11 to validate on" in planned.stdout
    corrections.write_text("picture,correction\ntrain/dog/066.jpg,cat\n")
    refused = catdog(*words, "data.corrections=corrections.csv")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith(
        "catdog: corrections.csv, line 2: there is no picture train/dog/066.jpg in "
    )
