import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from catdog_exp.images.decode import read_picture
from catdog_exp.mx import mx
from catdog_exp.packs.lst_files import Entry, read_list
from catdog_exp.packs.recordio import read_index, read_records, unpack_record
from catdog_exp.packs.writer import Rejected, pack_split


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
    many = [Entry(index, index % 3, f"{index % 40}.jpg") for index in range(500)]
    results = []
    for run, threads in enumerate((1, 2, 16, 2)):
        _, rejected = pack_split(many, folder, tmp_path / str(run), resize=24, quality=95, threads=threads)
        results.append([rejected, *((tmp_path / f"{run}.{kind}").read_bytes() for kind in ("lst", "rec", "idx"))])
    assert all(result == results[0] for result in results)


def test_what_is_left_out_does_not_depend_on_how_many_pictures_there_are(folder: Path, tmp_path: Path):
    whole = (folder / "30.jpg").read_bytes()
    (folder / "30.jpg").write_bytes(b"XX" + whole[2:])  # no marker at its start
    for count in (10, 3000):
        names = [f"{31 + index % 8}.jpg" for index in range(count - 1)]
        entries = [Entry(index, 0, name) for index, name in enumerate(["30.jpg", *names])]
        packed, rejected = pack_split(entries, folder, tmp_path / str(count), resize=24, quality=95, threads=2)
        assert rejected == [Rejected("30.jpg", 0, "not a picture, or a damaged one")]
        assert len(packed) == count - 1


@pytest.mark.parametrize("resize", [24, 300])
def test_files_have_the_same_bytes_on_an_older_processor(folder: Path, tmp_path: Path, resize: int):
    pack_split(ENTRIES, folder, tmp_path / "here", resize=resize, quality=95, threads=2)
    script = (
        "import sys; from pathlib import Path; from catdog_exp.packs.lst_files import read_list; "
        "from catdog_exp.packs.writer import pack_split; listed, folder, prefix, resize = sys.argv[1:]; "
        "pack_split(read_list(Path(listed)), Path(folder), Path(prefix), resize=int(resize), quality=95, threads=1)"
    )
    # OpenCV and libjpeg choose their vector instructions when the program starts.
    older = {"OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FP16,AVX,SSE4.2,SSE4.1", "OPENCV_IPP": "disabled"}
    command = [sys.executable, "-c", script, str(tmp_path / "here.lst"), str(folder), str(tmp_path / "there")]
    environment = {**os.environ, **older, "JSIMD_FORCENONE": "1"}
    subprocess.run([*command, str(resize)], env=environment, check=True, capture_output=True, timeout=100)
    assert (tmp_path / "there.rec").read_bytes() == (tmp_path / "here.rec").read_bytes()


@pytest.mark.parametrize("size", [32, 64])
def test_photographs_are_shrunk_nearly_as_from_a_full_decode_by_areas(real_pictures: Path, size: int):
    likeness = []
    for path in sorted(real_pictures.rglob("*.jpg"))[::15]:
        whole = cv2.imread(str(path))
        if min(whole.shape[:2]) > size:
            picture = read_picture(path, short_edge=size)
            wanted = cv2.resize(whole, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
            likeness.append(cv2.PSNR(picture, wanted))
    assert len(likeness) > 190
    assert np.median(likeness) >= 38


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
