"""Predictions of picture files: which files, in which order, with which network's answers, written how."""

import csv

import cv2
import numpy as np
import pytest

from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.prediction import (
    Prediction,
    find_pictures,
    predict,
    read_crop,
    table,
    write_csv,
    write_test_list,
)
from catdog_exp.networks.cnn import Cnn
from catdog_exp.packs.lst_files import Entry, read_list
from catdog_exp.packs.recordio import read_records, unpack_record
from catdog_exp.packs.writer import pack_split
from catdog_exp.training.checkpoint import Checkpoint, save_checkpoint
from catdog_exp.training.learned import Learned

SIZE = 8
RED, BLUE = (250, 0, 0), (0, 0, 250)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A real network with hand-set weights: "red" is the likelier the more red the picture has on average."""
    pooled = (SIZE // 2) ** 2
    kernel = np.zeros((1, 3, 3, 3), np.float32)
    kernel[0, 0, 1, 1] = 1  # the red channel as it is
    checkpoint = Checkpoint(
        network=Cnn(layers=1, width=1, dense=[], batch_norm=False, dropout=0.0),
        classes=["other", "red"],
        size=SIZE,
        epoch=1,
        metrics={},
        objective="val/accuracy",
        seed=0,
        mirrored=False,
        pack="0123456789abcdef",
        learned=Learned().with_more(["a1" * 32, "b2" * 32]).encoded(),
        complete=True,
        validated=Learned().with_more(["c3" * 32]).encoded(),
        parameters={
            "1.weight": kernel,
            "1.bias": np.full(1, 10, np.float32),  # above zero whatever the normalization
            "4.weight": np.stack([np.zeros(pooled), np.ones(pooled) / pooled]).astype(np.float32),
            "4.bias": np.array([0, -10], np.float32),
        },
    )
    file = tmp_path_factory.mktemp("network") / "red.safetensors"
    save_checkpoint(file, checkpoint)
    return Classifier.load(file)


def save(path, colour, shape=(12, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((*shape, 3), colour[::-1], np.uint8))
    return path


def names(pictures, folder):
    return [picture.relative_to(folder).as_posix() for picture in pictures]


# Which files


def test_folders_are_searched_through_and_hidden_files_and_others_left_out(tmp_path):
    for name in ("a.jpg", "deep/er/B.JPEG", "c.png", ".hidden.jpg", ".cache/d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert names(find_pictures([str(tmp_path)]), tmp_path) == ["a.jpg", "c.png", "deep/er/B.JPEG"]


def test_links_are_followed_but_not_around_in_circles(tmp_path):
    save(tmp_path / "elsewhere" / "1.jpg", RED)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    for name in "abc":  # followed each time, three links would make 3^40 folders
        (tmp_path / "elsewhere" / name).symlink_to(tmp_path / "folder")
    assert names(find_pictures([str(tmp_path / "folder")]), tmp_path / "folder") == ["link/1.jpg"]


def test_numbers_in_names_count_as_numbers(tmp_path):
    for name in ("10.jpg", "2.jpg", "dog 3/1.jpg", "dog 20/1.jpg", "Cat.1.jpg", "cat.01.jpg", "1.jpg"):
        save(tmp_path / name, RED)
    assert names(find_pictures([str(tmp_path)]), tmp_path) == [
        "1.jpg",
        "2.jpg",
        "10.jpg",
        "Cat.1.jpg",
        "cat.01.jpg",
        "dog 3/1.jpg",
        "dog 20/1.jpg",
    ]


def test_a_file_is_taken_whatever_its_extension_and_each_only_once(tmp_path, monkeypatch):
    save(tmp_path / "2.jpg", RED)
    (tmp_path / "upload").write_bytes((tmp_path / "2.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    found = find_pictures(["upload", "2.jpg", "./2.jpg", ".", str(tmp_path / "2.jpg"), "upload"])
    assert [str(path) for path in found] == ["2.jpg", "upload"]


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.jpg: there is no such file or folder"):
        find_pictures([str(save(tmp_path / "1.jpg", RED)), str(tmp_path / "nowhere.jpg")])
    with pytest.raises(UserError, match=r"\*\.png: there is no such file or folder; the shell finds nothing for this"):
        find_pictures([str(tmp_path / "*.png")])
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    with pytest.raises(UserError, match=r"empty: there are no pictures in this folder \(passed over: \.txt 1\)"):
        find_pictures([str(tmp_path / "empty")])


# What the network says


def test_labels_and_probabilities_are_the_networks(tmp_path, classifier):
    pictures = [save(tmp_path / "red.png", RED), save(tmp_path / "blue.png", BLUE)]
    red, blue = predict(classifier, pictures, threads=2)
    assert (red.path, red.label, red.reason) == (pictures[0], "red", "")
    assert (blue.path, blue.label) == (pictures[1], "other")
    assert red.probability == red.probabilities[1] > 0.6
    assert blue.probability == blue.probabilities[0] > 0.6
    assert sum(red.probabilities) == pytest.approx(1)


def test_the_middle_of_the_shrunk_picture_is_judged(tmp_path, classifier):
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80, 2] = 250  # red in the middle third, black beside it
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    crop = save(tmp_path / "crop.png", RED, (40, 40))
    found, expected = predict(classifier, [tmp_path / "wide.png", crop], threads=1)
    assert found.probability == pytest.approx(expected.probability, rel=1e-5)


def test_pictures_are_prepared_as_packing_prepares_them(tmp_path, real_pictures):
    # Crops, so that the whole packed picture is the crop that is judged.
    for photograph in sorted((real_pictures / "validation" / "cats").iterdir())[:10]:
        pixels = cv2.imread(str(photograph))
        edge = min(pixels.shape[:2])
        cv2.imwrite(str(tmp_path / photograph.name), pixels[:edge, :edge])
    pictures = sorted(tmp_path.glob("*.jpg"))
    entries = [Entry(place, 0, picture.name) for place, picture in enumerate(pictures)]
    pack_split(entries, tmp_path, tmp_path / "pack", resize=32, quality=90, threads=2)
    packed = [unpack_record(payload).image for payload in read_records(tmp_path / "pack.rec")]
    assert [as_jpeg(read_crop(picture, 32), quality=90) for picture in pictures] == packed


def as_jpeg(crop, quality):
    pixels = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def test_unreadable_files_keep_their_place_and_do_not_stop_the_others(tmp_path, classifier):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    pictures = [
        broken,
        save(tmp_path / "red.png", RED),
        tmp_path / "gone.jpg",
        save(tmp_path / "blue.png", BLUE),
    ]
    found = predict(classifier, pictures, threads=2)
    assert [prediction.label for prediction in found] == [None, "red", None, "other"]
    assert [prediction.path for prediction in found] == pictures
    assert found[0].probability is None
    assert found[0].probabilities == ()
    assert "picture" in found[0].reason
    assert found[2].reason == "no such file"


def test_only_unreadable_files_are_predictions_too(tmp_path, classifier):
    (found,) = predict(classifier, [tmp_path / "gone.jpg"], threads=1)
    assert found.label is None


def test_many_files_keep_their_order(tmp_path, classifier, capfd):
    pictures = [save(tmp_path / f"{number}.png", (number * 255 // 599, 0, 0), (8, 8)) for number in range(600)]
    found = predict(classifier, pictures, threads=3)
    assert [prediction.path for prediction in found] == pictures
    red = [prediction.probabilities[1] for prediction in found]
    assert red == sorted(red)
    assert red[-1] - red[0] > 0.2
    assert capfd.readouterr().err == ""  # a progress bar is for terminals


# To files and terminals

PREDICTIONS = [
    Prediction("cats/a, b.jpg", "cat", 0.75, (0.75, 0.25)),
    Prediction("x.jpg", None, None, (), "empty file"),
    Prediction("猫.jpg", "dog", 1.0, (0.0, 1.0)),
]


def test_a_csv_file_comes_back_as_it_was(tmp_path):
    file = tmp_path / "labels.csv"
    write_csv(PREDICTIONS, ["cat", "dog"], file)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["path", "label", "probability", "p_cat", "p_dog", "reason"]
    assert [list(row.values()) for row in rows] == [
        ["cats/a, b.jpg", "cat", "0.750000", "0.750000", "0.250000", ""],
        ["x.jpg", "", "", "", "", "empty file"],
        ["猫.jpg", "dog", "1.000000", "0.000000", "1.000000", ""],
    ]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ["two\nlines.jpg", "carriage\rreturn.jpg", 'quotes " and, commas.jpg', "=1+1.jpg", ""])
def test_a_csv_file_holds_any_name(tmp_path, name):
    write_csv([Prediction(f"{name}", name, 1.0, (1e-9, 1.0), name)], [name, "b,\r\n"], tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as lines:
        head, row = csv.reader(lines)
    assert head == ["path", "label", "probability", f"p_{name}", "p_b,\r\n", "reason"]
    assert row == [name, name, "1.000000", "0.000000", "1.000000", name]


def test_a_name_that_is_not_utf8_is_written_so_that_it_can_be_read(tmp_path):
    write_csv([Prediction("caf\udce9 猫.jpg", "cat", 1.0, (1.0, 0.0))], ["cat", "dog"], tmp_path / "labels.csv")
    text = (tmp_path / "labels.csv").read_bytes().decode("utf-8")
    assert text.splitlines()[1] == r'"caf\xe9 猫.jpg","cat",1.000000,1.000000,0.000000,""'


def test_where_no_csv_can_be_written_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere/labels\.csv cannot be written: No such file"):
        write_csv(PREDICTIONS, ["cat", "dog"], tmp_path / "nowhere" / "labels.csv")


def test_a_table_has_aligned_columns():
    assert table(PREDICTIONS).splitlines() == [
        "path           label  probability",
        "cats/a, b.jpg  cat     75.0 %",
        "x.jpg          –      empty file",
        "猫.jpg         dog    100.0 %",
    ]


def test_a_long_table_is_cut_and_says_so():
    lines = table(PREDICTIONS * 500, 2).splitlines()
    assert len(lines) == 4
    assert lines[-1] == "and 1,498 more"
    assert table(PREDICTIONS, 3) == table(PREDICTIONS)


def test_a_name_cannot_break_the_table():
    lines = table([Prediction("a\nb\x1b[31m.jpg", "cat", 0.5, (0.5, 0.5))], 5).splitlines()
    assert lines[1].startswith("a?b?[31m.jpg  cat")


def test_a_test_list_is_one_of_im2rec(tmp_path):
    pictures = [tmp_path / "2.jpg", tmp_path / "with\ttab.jpg", tmp_path / "10.jpg"]
    write_test_list(pictures, tmp_path / "test.lst")
    lines = (tmp_path / "test.lst").read_text().splitlines()
    assert lines[0] == f"0\t0.000000\t{tmp_path}/2.jpg"
    assert [len(line.split("\t")) for line in lines] == [3, 3, 3]
    assert [entry.path for entry in read_list(tmp_path / "test.lst")] == [str(picture) for picture in pictures]
    with pytest.raises(UserError, match="nowhere"):
        write_test_list(pictures, tmp_path / "nowhere" / "test.lst")
