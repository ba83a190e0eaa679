import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.data.decoded import SPARE, DecodedPictures, decode_records
from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.packs.lst_files import Entry, read_list, write_list
from catdog_exp.packs.recordio import RecordWriter, frame, pack_record
from catdog_exp.packs.writer import pack_split

# im2rec.py as it ships with MXNet, which NumPy 1.24 and newer would stop.
IM2REC = (
    "import runpy, sys, numpy; numpy.bool = bool; sys.modules['sklearn'] = None; import mxnet; "
    "sys.argv[0] = mxnet.__path__[0] + '/tools/im2rec.py'; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def _im2rec(*arguments: object) -> None:
    command = [sys.executable, "-c", IM2REC, *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=200)


def _draw(root: Path, count: int) -> list[Entry]:
    """Pictures in one colour each, wide and tall, of 3 classes."""
    root.mkdir()
    draw = np.random.default_rng(0)
    entries = []
    for number in range(count):
        size = (90 + 7 * number, 80) if number % 2 else (80, 90 + 7 * number)
        picture = np.full((*size, 3), draw.integers(0, 256, 3), np.uint8)
        cv2.imwrite(str(root / f"{number}.png"), picture)
        entries.append(Entry(number, number % 3, f"{number}.png"))
    return entries


def _assert_colours(pictures: DecodedPictures, root: Path, entries: list[Entry]) -> None:
    for place, entry in enumerate(entries):
        bgr = cv2.imread(str(root / entry.path))[0, 0].astype(int)
        assert np.abs(pictures.picture(place).astype(int) - bgr[::-1]).max() <= 6


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Entry], Path]:
    """The pictures' folder, their entries, and the record file they are packed in."""
    folder = tmp_path_factory.mktemp("drawn")
    entries = _draw(folder / "pictures", 24)
    pack_split(entries, folder / "pictures", folder / "train_file", resize=16, quality=95, threads=2)
    return folder / "pictures", entries, folder / "train_file.rec"


def test_pictures_come_in_the_order_of_their_records_as_rgb(drawn: tuple[Path, list[Entry], Path]):
    root, entries, rec = drawn
    pictures = decode_records([rec], 16, threads=2)
    assert len(pictures) == 24
    assert pictures.labels.tolist() == [entry.label for entry in entries]
    assert pictures.ids.tolist() == [entry.index for entry in entries]
    assert (pictures.labels.dtype, pictures.pixels.dtype) == (np.int64, np.uint8)
    _assert_colours(pictures, root, entries)


def test_pictures_lie_one_behind_the_other(drawn: tuple[Path, list[Entry], Path]):
    pictures = decode_records([drawn[2]], 16, threads=2)
    assert (np.minimum(pictures.heights, pictures.widths) == 16).all()
    assert (np.maximum(pictures.heights, pictures.widths) > 16).all()
    assert np.array_equal(np.diff(pictures.offsets), pictures.heights * pictures.widths * 3)
    assert (pictures.offsets[0], pictures.offsets[-1]) == (0, len(pictures.pixels) - SPARE)
    assert pictures.picture(5).base is not None
    assert pictures.picture(5).shape == (pictures.heights[5], pictures.widths[5], 3)


def test_pictures_without_the_bytes_to_spare_are_refused(drawn: tuple[Path, list[Entry], Path]):
    pictures = decode_records([drawn[2]], 16, threads=2)
    with pytest.raises(ValueError, match="8 to spare"):
        dataclasses.replace(pictures, pixels=pictures.pixels[:-1])


def test_squares_are_the_middles(drawn: tuple[Path, list[Entry], Path]):
    pictures = decode_records([drawn[2]], 16, threads=2)
    crops = pictures.crops()
    assert crops.shape == (24, 16, 16, 3)
    for place in range(24):
        top, left = (pictures.heights[place] - 16) // 2, (pictures.widths[place] - 16) // 2
        assert np.array_equal(crops[place], pictures.picture(place)[top : top + 16, left : left + 16])


@pytest.mark.parametrize("size", [16, 10, 40])
def test_any_number_of_threads_gives_the_same(drawn: tuple[Path, list[Entry], Path], size: int):
    one, many = (decode_records([drawn[2]], size, threads) for threads in (1, 8))
    assert np.array_equal(one.pixels, many.pixels)
    assert np.array_equal(one.ids, many.ids)


@pytest.mark.parametrize("size", [10, 40])
def test_records_of_another_size_are_resized(drawn: tuple[Path, list[Entry], Path], size: int):
    root, entries, rec = drawn
    pictures = decode_records([rec], size, threads=2)
    assert (np.minimum(pictures.heights, pictures.widths) == size).all()
    _assert_colours(pictures, root, entries)


def test_mxnet_reads_the_same_from_the_pack(drawn: tuple[Path, list[Entry], Path]):
    _, entries, rec = drawn
    pictures = decode_records([rec], 16, threads=2)
    batches = mx.io.ImageRecordIter(
        path_imgrec=str(rec), path_imgidx=str(rec.with_suffix(".idx")), data_shape=(3, 16, 16), batch_size=8
    )
    labels, crops = [], []
    for batch in batches:
        labels += batch.label[0].asnumpy().tolist()
        crops.append(batch.data[0].asnumpy())
    assert labels == [entry.label for entry in entries]
    theirs = np.concatenate(crops).transpose(0, 2, 3, 1)
    assert np.abs(theirs - pictures.crops()).max() <= 3  # its own copy of libjpeg


@pytest.mark.parametrize(
    "options",
    [
        (),
        pytest.param(("--resize", 16), marks=pytest.mark.slow),
        pytest.param(("--pass-through",), marks=pytest.mark.slow),
        pytest.param(("--encoding", ".png", "--quality", 3), marks=pytest.mark.slow),
    ],
)
def test_what_im2rec_makes_of_our_list_reads_the_same(
    drawn: tuple[Path, list[Entry], Path], tmp_path: Path, options: tuple[object, ...]
):
    root, entries, _ = drawn
    write_list(tmp_path / "theirs.lst", entries)
    _im2rec(*options, tmp_path / "theirs", root)
    pictures = decode_records([tmp_path / "theirs.rec"], 16, threads=2)
    assert pictures.labels.tolist() == [entry.label for entry in entries]
    assert pictures.ids.tolist() == [entry.index for entry in entries]
    assert (np.minimum(pictures.heights, pictures.widths) == 16).all()
    _assert_colours(pictures, root, entries)


def test_a_list_that_im2rec_makes_is_read_and_packed(tmp_path: Path):
    for name in ("cat", "dog"):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        _draw(tmp_path / "pictures" / name, 4)
    _im2rec("--list", "--recursive", tmp_path / "theirs", tmp_path / "pictures")
    entries = read_list(tmp_path / "theirs.lst")
    assert sorted((entry.path, entry.label) for entry in entries) == [
        *((f"cat/{number}.png", 0) for number in range(4)),
        *((f"dog/{number}.png", 1) for number in range(4)),
    ]
    written = (tmp_path / "theirs.lst").read_bytes()
    pack_split(entries, tmp_path / "pictures", tmp_path / "theirs", resize=16, quality=95, threads=2)
    assert (tmp_path / "theirs.lst").read_bytes() == written
    assert decode_records([tmp_path / "theirs.rec"], 16, 1).labels.tolist() == [entry.label for entry in entries]


def _records(rec: Path, *payloads: bytes) -> Path:
    with RecordWriter(rec) as writer:
        writer.write([(key, frame(payload)) for key, payload in enumerate(payloads)])
    return rec


JPEG = cv2.imencode(".jpg", np.full((20, 30, 3), 99, np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (pack_record(0, 1, JPEG[:-40]), "cut short"),
        (pack_record(0, 1, b"no picture"), "not a picture"),
        (pack_record(0, 1, b""), "empty"),
        (pack_record(0.5, 1, JPEG), "label 0.5"),
        (mx.recordio.pack((0, [1.0, 0.0], 1, 0), JPEG), "2 labels"),
        (b"short", "too few"),
    ],
)
def test_a_record_that_cannot_be_used_is_named(tmp_path: Path, payload: bytes, reason: str):
    rec = _records(tmp_path / "a.rec", pack_record(0, 0, JPEG), payload, pack_record(1, 2, JPEG))
    with pytest.raises(UserError, match=rf"a\.rec, record 1 .*{reason}"):
        decode_records([rec], 16, threads=2)


def test_one_label_in_a_list_is_a_label(tmp_path: Path):
    rec = _records(tmp_path / "a.rec", mx.recordio.pack((0, [1.0], 5, 0), JPEG))
    pictures = decode_records([rec], 16, threads=1)
    assert (pictures.labels.tolist(), pictures.ids.tolist()) == ([1], [5])


def test_a_file_that_is_missing_empty_or_cut_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"missing\.rec: there is no such record file"):
        decode_records([tmp_path / "missing.rec"], 16, threads=1)
    with pytest.raises(UserError, match=r"empty\.rec: there are no pictures in it"):
        decode_records([_records(tmp_path / "empty.rec")], 16, threads=1)
    cut = _records(tmp_path / "cut.rec", pack_record(0, 0, JPEG), pack_record(0, 1, JPEG))
    os.truncate(cut, cut.stat().st_size - 8)
    with pytest.raises(UserError, match=r"cut\.rec ends in the middle of a record"):
        decode_records([cut], 16, threads=1)


@pytest.mark.slow
def test_mxnet_and_im2rec_agree_on_the_real_photographs(real_pictures: Path, tmp_path: Path):
    paths = sorted(path.relative_to(real_pictures).as_posix() for path in real_pictures.glob("train/*/*.jpg"))
    entries = [Entry(index, int("dogs" in path), path) for index, path in enumerate(paths)]
    packed, rejected = pack_split(entries, real_pictures, tmp_path / "ours", resize=32, quality=95, threads=4)
    assert (len(packed), rejected) == (2000, [])
    ours = decode_records([tmp_path / "ours.rec"], 32, threads=2)
    batches = mx.io.ImageRecordIter(path_imgrec=str(tmp_path / "ours.rec"), data_shape=(3, 32, 32), batch_size=100)
    labels = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    assert np.array_equal(labels, ours.labels)
    (tmp_path / "im2rec").mkdir()
    write_list(tmp_path / "im2rec" / "theirs.lst", entries)
    _im2rec("--resize", 32, tmp_path / "im2rec" / "theirs", real_pictures)
    theirs = decode_records([tmp_path / "im2rec" / "theirs.rec"], 32, threads=2)
    assert np.array_equal(ours.ids, theirs.ids)
    assert np.array_equal(ours.labels, theirs.labels)
    assert np.bincount(theirs.labels).tolist() == [1000, 1000]
    # The same photographs: the filters differ, the mean colours do not.
    assert np.abs(ours.crops().mean(axis=(1, 2, 3)) - theirs.crops().mean(axis=(1, 2, 3))).mean() < 3


def test_some_of_the_pictures_are_the_same_pictures(drawn: tuple[Path, list[Entry], Path]):
    root, entries, rec = drawn
    pictures = decode_records([rec], 16, threads=2)
    some = pictures.take(np.array([7, 2, 23]))
    assert some.labels.tolist() == pictures.labels[[7, 2, 23]].tolist()
    assert np.array_equal(some.crops(), pictures.crops()[[7, 2, 23]])
    _assert_colours(some, root, [entries[7], entries[2], entries[23]])
