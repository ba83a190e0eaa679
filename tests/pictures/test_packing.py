import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.mx import mx
from catdog_exp.pictures.lists import Entry, read_list
from catdog_exp.pictures.packing import Rejected, pack_split
from catdog_exp.pictures.parallel import in_order
from catdog_exp.pictures.records import read_index, read_records, unpack_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 JPEGs of several sizes with 3 broken ones among them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for number in range(40):
        small = draw.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(small, (60 + 9 * number, 200 - 3 * number), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number}.jpg"), picture)
    (folder / "3.jpg").write_bytes(b"")
    (folder / "20.jpg").write_bytes((folder / "21.jpg").read_bytes()[:900])
    (folder / "39.jpg").unlink()
    return folder


ENTRIES = [Entry(index, index % 3, f"{39 - index}.jpg") for index in range(40)]


def _pack(folder: Path, prefix: Path, threads: int = 2, quality: int = 95) -> tuple[list[Entry], list[Rejected]]:
    return pack_split(ENTRIES, folder, prefix, resize=24, quality=quality, threads=threads)


def test_files_have_the_same_bytes_for_any_number_of_threads(folder: Path, tmp_path: Path):
    results = []
    for run, threads in enumerate((1, 2, 16, 2)):
        _pack(folder, tmp_path / str(run), threads)
        results.append([(tmp_path / f"{run}.{kind}").read_bytes() for kind in ("lst", "rec", "idx")])
    assert all(result == results[0] for result in results)


def test_broken_pictures_are_left_out_of_all_files_with_reasons(folder: Path, tmp_path: Path):
    packed, rejected = _pack(folder, tmp_path / "train_file")
    assert [(picture.path, picture.label, picture.reason) for picture in rejected] == [
        ("39.jpg", 0, "no such file"),
        ("20.jpg", 1, "cut short: a JPEG without its end"),
        ("3.jpg", 0, "empty file"),
    ]
    assert packed == [entry for entry in ENTRIES if entry.index not in (0, 19, 36)]
    assert read_list(tmp_path / "train_file.lst") == packed
    assert list(read_index(tmp_path / "train_file.idx")) == [entry.index for entry in packed]
    records = [unpack_record(payload) for payload in read_records(tmp_path / "train_file.rec")]
    assert [(record.id, record.labels) for record in records] == [(entry.index, (entry.label,)) for entry in packed]


def test_mxnet_reads_the_pictures_by_key(folder: Path, tmp_path: Path):
    packed, _ = _pack(folder, tmp_path / "train_file")
    prefix = str(tmp_path / "train_file")
    reader = mx.recordio.MXIndexedRecordIO(f"{prefix}.idx", f"{prefix}.rec", "r")
    for entry in packed:
        header, picture = mx.recordio.unpack_img(reader.read_idx(entry.index), cv2.IMREAD_COLOR)
        assert (header.id, header.label) == (entry.index, entry.label)
        whole = cv2.imread(str(folder / entry.path))
        assert min(picture.shape[:2]) == 24
        assert picture.shape[1] / picture.shape[0] == pytest.approx(whole.shape[1] / whole.shape[0], rel=0.05)
        wanted = cv2.resize(whole, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(picture.astype(float) - wanted).mean() < 10
    reader.close()


def test_less_quality_takes_less_room(folder: Path, tmp_path: Path):
    _pack(folder, tmp_path / "fine", quality=95)
    _pack(folder, tmp_path / "coarse", quality=40)
    assert (tmp_path / "coarse.rec").stat().st_size < 0.8 * (tmp_path / "fine.rec").stat().st_size


def test_a_name_that_no_list_can_hold_is_left_out(folder: Path, tmp_path: Path):
    (folder / "1.jpg").rename(folder / "tab\there.jpg")
    _, rejected = pack_split(
        [Entry(0, 0, "tab\there.jpg"), Entry(1, 0, "2.jpg")],
        folder,
        tmp_path / "a",
        resize=24,
        quality=95,
        threads=1,
    )
    assert [picture.reason for picture in rejected] == [
        "its name holds a tab or a line break, which a list cannot hold"
    ]


def test_progress_is_shown_on_stderr_alone(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    _pack(folder, tmp_path / "train_file")
    shown = capfd.readouterr()
    assert "packing train_file: 100%" in shown.err
    assert "40/40" in shown.err
    assert "pictures/s" in shown.err
    assert shown.out == ""


def test_only_a_few_items_are_taken_ahead():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_order(lambda number: number * number, items(), 2)
    assert [next(results) for _ in range(10)] == [number * number for number in range(10)]
    assert len(taken) <= 10 + 4 * 2
    results.close()


def test_no_thread_outlives_the_work_and_opencv_has_its_own_threads_back():
    cv2.setNumThreads(2)
    before = threading.active_count()

    def work(number: int) -> int:
        if number == 50:
            raise OSError("broken")
        return number

    results = in_order(work, range(1000), 4)
    with pytest.raises(OSError, match="broken"):
        list(results)
    assert threading.active_count() == before
    assert cv2.getNumThreads() == 2
