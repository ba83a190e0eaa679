"""Contact sheets: what is drawn, where, and for how many pictures."""

import cv2
import numpy as np
import pytest

from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import SPARE, DecodedPictures
from catdog_exp.errors import UserError
from catdog_exp.inference.classifier import Classifier
from catdog_exp.inference.evaluation import evaluate
from catdog_exp.inference.pictures import PictureFile
from catdog_exp.inference.prediction import Prediction
from catdog_exp.networks.resnet import ResNet
from catdog_exp.plots import sheet as sheets
from catdog_exp.plots.page import MARK_COLOURS, TILE, Band, Tile, write_page
from catdog_exp.plots.sheet import augmented_sheet, mistakes_sheet, prediction_sheet, preview_sheet
from tests.checkpoints import save_drawn

RED, GREEN, BLUE, VIOLET = (200, 20, 30), (20, 160, 60), (10, 30, 220), (150, 40, 160)


def decoded(colours, labels, size=32, width=None):
    """Pictures of one colour each."""
    width = width or size
    pixels = [np.full((size, width, 3), colour, np.uint8) for colour in colours]
    count = len(pixels)
    return DecodedPictures(
        size=size,
        pixels=np.concatenate([*(picture.reshape(-1) for picture in pixels), np.zeros(SPARE, np.uint8)]),
        offsets=np.arange(count + 1, dtype=np.int64) * size * width * 3,
        heights=np.full(count, size, np.int64),
        widths=np.full(count, width, np.int64),
        labels=np.array(labels, np.int64),
        ids=np.arange(count, dtype=np.uint64),
    )


def drawn(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def area(sheet, colour):
    """Rows, columns and number of the pixels of one colour."""
    rows, columns = np.nonzero((sheet == colour).all(axis=2))
    return rows, columns, len(rows)


def save(path, colour, shape=(60, 80)):
    cv2.imwrite(str(path), np.full((*shape, 3), colour[::-1], np.uint8))
    return path


def said(path, label="cat", probability=0.9):
    return Prediction(PictureFile(path), label, probability, (probability, 1 - probability))


def test_each_class_has_its_own_band_below_the_one_before(tmp_path):
    pictures = decoded([RED, GREEN, GREEN, RED, RED], [0, 1, 1, 0, 0])
    preview_sheet(pictures, ["cat", "dog"], tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    red_rows, _, red = area(sheet, RED)
    green_rows, _, green = area(sheet, GREEN)
    assert red_rows.max() < green_rows.min()
    assert red * 2 == green * 3


def test_small_pictures_are_enlarged_and_large_ones_shrunk(tmp_path):
    for size in (32, 512):
        preview_sheet(decoded([RED], [0], size), ["cat"], tmp_path / "sheet.png")
        rows, columns, count = area(drawn(tmp_path / "sheet.png"), RED)
        assert np.ptp(rows) + 1 == np.ptp(columns) + 1 >= 96
        assert count == (np.ptp(rows) + 1) ** 2


def test_the_middle_of_an_elongated_picture_is_shown(tmp_path):
    pictures = decoded([RED], [0], size=32, width=96)
    pictures.picture(0)[:, 32:64] = GREEN
    preview_sheet(pictures, ["cat"], tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    assert area(sheet, GREEN)[2] >= 96 * 96
    assert area(sheet, RED)[2] == 0


def test_a_sheet_grows_with_its_pictures_up_to_the_cap(tmp_path):
    def height(count):
        pictures = decoded([RED] * count, [0] * count, size=8)
        preview_sheet(pictures, ["cat"], tmp_path / "sheet.png", per_class=24)
        return len(drawn(tmp_path / "sheet.png"))

    assert height(1) < height(9) < height(17) == height(24) == height(300)


def test_the_same_pictures_give_the_same_file_and_all_parts_of_a_pack_are_seen(tmp_path):
    colours = [RED] * 100 + [GREEN] * 100 + [BLUE] * 100
    for name in ("a.png", "b.png"):
        preview_sheet(decoded(colours, [0] * 300, size=8), ["cat"], tmp_path / name, per_class=24)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    counts = [area(drawn(tmp_path / "a.png"), colour)[2] for colour in (RED, GREEN, BLUE)]
    assert counts[0] == counts[1] == counts[2] > 0


def test_headings_differ_with_name_and_count(tmp_path):
    def sheet(classes, count):
        preview_sheet(decoded([RED] * count, [0] * count), classes, tmp_path / "sheet.png", per_class=1)
        return drawn(tmp_path / "sheet.png").tobytes()

    different = [sheet(["cat"], 2), sheet(["cat"], 3), sheet(["dog"], 2), sheet(["кошка"], 2)]
    assert len(set(different)) == 4


def test_a_class_without_pictures_has_a_heading_and_many_classes_are_cut(tmp_path):
    pictures = decoded([RED, GREEN], [0, 2])
    preview_sheet(pictures, ["cat", "dog", "fox"], tmp_path / "three.png")
    preview_sheet(pictures, [f"kind {number}" for number in range(500)], tmp_path / "many.png")
    assert area(drawn(tmp_path / "three.png"), GREEN)[2] > 0
    assert len(drawn(tmp_path / "three.png")) < len(drawn(tmp_path / "many.png")) < 3_000


@pytest.mark.parametrize("name", ["猫" * 80, "a\nb\tc", "e\u0301\u200f", "\udcff", "x" * 300, "$a_b$"])
def test_any_class_name_is_drawn_within_the_sheet(tmp_path, name):
    preview_sheet(decoded([RED], [0]), [name], tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    assert sheet.shape[1] < 1_300
    assert (sheet[:, -20:] == 255).all()


STRONG = AugmentConfig(
    True, 2, "alternating", [0.6, 1.1], [0.8, 1.25], 10.0, 0.3, 0.3, 0.3, 0.02, 0.3, 0.2, 1.0, label_smoothing=0.1
)


def bands_of(augment, monkeypatch, tmp_path, count=20) -> list[Band]:
    """What is drawn for an augmentation, and the sheet drawn all the same."""
    given = []
    draw = sheets.write_page
    monkeypatch.setattr(sheets, "write_page", lambda *words: (given.append(words[2]), draw(*words)))
    pictures = decoded([RED, GREEN] * count, [0, 1] * count, size=16, width=20)
    augmented_sheet(pictures, ["cat", "dog"], augment, 0, tmp_path / "sheet.png")
    return given[0]


def test_each_augmentation_that_is_on_has_a_band_with_its_name_and_settings(tmp_path, monkeypatch):
    bands = bands_of(STRONG, monkeypatch, tmp_path)
    names = ["crop", "flip", "scale and aspect", "rotation", "colour", "cutout", "mixup", "CutMix", "label smoothing"]
    assert [band.heading for band in bands] == ["plain", *names, *["all together"] * 3]
    notes = [band.note for band in bands]
    assert notes[1:4] == ["random_crop=true, pad=2", "flip=alternating", "scale=[0.6, 1.1], aspect=[0.8, 1.25]"]
    assert notes[-3:] == ["epoch 1 of training", "epoch 2 of training", "epoch 3 of training"]
    assert {len(band.tiles) for band in bands} == {8}
    smoothed = bands[names.index("label smoothing") + 1]
    assert [tile.lines for tile in smoothed.tiles[:2]] == [("cat 95.0 %", "dog 5.0 %"), ("dog 95.0 %", "cat 5.0 %")]
    assert bands[0].tiles[0].lines == ()
    assert area(drawn(tmp_path / "sheet.png"), RED)[2] >= 4 * 96 * 96


def test_without_augmentation_only_the_plain_pictures_are_shown(tmp_path, monkeypatch):
    (band,) = bands_of(AugmentConfig(), monkeypatch, tmp_path, count=2)
    assert band.heading == "plain"
    assert [tile.picture[0, 0].tolist() for tile in band.tiles] == [list(RED), list(GREEN)] * 2


def test_a_sheet_of_augmentations_grows_with_what_is_on(tmp_path, monkeypatch):
    heights = []
    for augment in (AugmentConfig(), AugmentConfig(flip="random"), STRONG):
        bands_of(augment, monkeypatch, tmp_path)
        heights.append(len(drawn(tmp_path / "sheet.png")))
    assert heights == sorted(set(heights))


def test_predictions_are_drawn_in_order_and_unsure_ones_are_framed(tmp_path):
    pictures = [save(tmp_path / f"{name}.png", colour) for name, colour in (("a", RED), ("b", GREEN))]
    prediction_sheet([said(pictures[0]), said(pictures[1], "dog", 0.6)], tmp_path / "sheet.png", 2)
    sheet = drawn(tmp_path / "sheet.png")
    rows, red_columns, _ = area(sheet, RED)
    green_rows, green_columns, _ = area(sheet, GREEN)
    assert red_columns.max() < green_columns.min()
    # The frame lies around the green picture, and there is none around the red one.
    frame = MARK_COLOURS["unsure"]
    assert (sheet[green_rows.min() - 1, green_columns.min() : green_columns.max()] == frame).all()
    assert (sheet[rows.min() - 1, red_columns.min() : red_columns.max()] == 255).all()


def test_a_picture_that_cannot_be_read_leaves_its_place_empty(tmp_path):
    good = save(tmp_path / "good.png", RED)
    broken = Prediction(PictureFile(tmp_path / "broken.jpg"), None, None, (), "not a picture")
    gone = said(tmp_path / "gone.png")
    prediction_sheet([broken, gone, said(good)], tmp_path / "sheet.png", 3)
    sheet = drawn(tmp_path / "sheet.png")
    assert area(sheet, RED)[1].min() > 2 * 128


def test_no_predictions_give_a_sheet_that_says_so(tmp_path):
    prediction_sheet([], tmp_path / "sheet.png", 0)
    assert (drawn(tmp_path / "sheet.png") < 128).any()


def test_mistakes_are_drawn_the_surest_first_and_right_ones_not_at_all(tmp_path):
    pictures = decoded([RED, GREEN, BLUE, VIOLET], [0, 1, 0, 1])
    dog = np.array([0.7, 0.05, 0.2, 0.9])  # the red one is wrong, the green one more so
    evaluation = evaluate(pictures.labels, np.stack([1 - dog, dog], axis=1), ["cat", "dog"])
    mistakes_sheet(pictures, evaluation, tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    assert area(sheet, GREEN)[1].max() < area(sheet, RED)[1].min()
    assert area(sheet, BLUE)[2] == area(sheet, VIOLET)[2] == 0


def test_no_mistakes_give_a_sheet_all_the_same(tmp_path):
    pictures = decoded([RED, GREEN], [0, 1])
    evaluation = evaluate(pictures.labels, np.eye(2), ["cat", "dog"])
    mistakes_sheet(pictures, evaluation, tmp_path / "sheet.png")
    sheet = drawn(tmp_path / "sheet.png")
    assert area(sheet, RED)[2] == 0
    assert (sheet < 128).any()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        preview_sheet(decoded([RED], [0]), ["cat"], tmp_path / "nowhere" / "sheet.png")


def test_a_heat_map_lies_over_a_second_drawing_beside_the_picture(tmp_path):
    picture = np.full((32, 32, 3), GREEN, np.uint8)
    upper = np.zeros((8, 8), np.float32)
    upper[:4] = 1
    write_page("heat", "", [Band([Tile(picture, ("said cat",), heat=upper), Tile(picture)])], tmp_path / "h.png")
    sheet = drawn(tmp_path / "h.png")
    rows, columns, count = area(sheet, GREEN)
    assert count > 2 * TILE * TILE + TILE * TILE / 4  # two pictures, and the cold half of a third drawing
    top, left = rows.min(), columns.min()
    hot, cold = sheet[top + 5, left + TILE + 5], sheet[top + TILE - 5, left + TILE + 5]
    assert hot[0] > hot[1] + 20 > hot[2]  # red
    assert tuple(cold) == GREEN


def test_predictions_and_mistakes_are_explained_and_what_cannot_be_read_is_not(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(sheets, "write_page", lambda *words: given.append(words[2][0].tiles))
    network = Classifier.load(save_drawn(tmp_path, ResNet(layers=8, width=4, dropout=0.0), 16))
    broken = Prediction(PictureFile(tmp_path / "broken.jpg"), None, None, (), "not a picture")
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    for number, picture in enumerate(noise):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    prediction_sheet([broken, *(said(tmp_path / f"{n}.png") for n in (0, 1))], tmp_path / "p.png", 3, network)
    prediction_sheet([broken], tmp_path / "p.png", 1, network)
    pictures = decoded([RED, GREEN], [0, 1], 16)
    wrong = evaluate(pictures.labels, np.eye(2)[::-1], ["cat", "dog"])
    mistakes_sheet(pictures, wrong, tmp_path / "m.png", explaining=network)
    heats = [[tile.heat is not None for tile in tiles] for tiles in given]
    assert heats == [[False, True, True], [False], [True, True]]
    assert given[0][1].heat.max() == 1
