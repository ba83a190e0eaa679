import random
from pathlib import Path

import pytest

from catdog_exp.errors import UserError
from catdog_exp.mx import mx
from catdog_exp.packs.recordio import (
    MAGIC,
    RecordWriter,
    frame,
    pack_record,
    read_index,
    read_record,
    read_records,
    unpack_record,
)

PAYLOADS = {
    "empty": b"",
    "one byte": b"a",
    "multiple of 4": b"12345678",
    "only magic": MAGIC,
    "magic twice": MAGIC * 2,
    "magic first": MAGIC + b"abcde",
    "magic inside": b"abcd" + MAGIC + b"xyz",
    "magic last": b"abcdefgh" + MAGIC,
    "magic not at a multiple of 4": b"abc" + MAGIC + b"z",
    "both": b"ab" + MAGIC + b"cd" + MAGIC + b"ef" + MAGIC,
    "half a magic": b"abcd" + MAGIC[:3],
    "all bytes": bytes(range(256)) * 5,
}


def _ours(rec: Path, payloads: list[bytes]) -> None:
    records = [(10 * key, frame(payload)) for key, payload in enumerate(payloads)]
    with RecordWriter(rec) as writer:
        writer.write(records[:2])
        writer.write(records[2:])


def _theirs(rec: Path, payloads: list[bytes]) -> None:
    writer = mx.recordio.MXIndexedRecordIO(str(rec.with_suffix(".idx")), str(rec), "w")
    for key, payload in enumerate(payloads):
        writer.write_idx(10 * key, payload)
    writer.close()


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_files_are_to_the_byte_what_mxnet_writes(tmp_path: Path, payload: bytes):
    payloads = [b"before", payload, b"behind it"]
    _ours(tmp_path / "ours.rec", payloads)
    _theirs(tmp_path / "theirs.rec", payloads)
    assert (tmp_path / "ours.rec").read_bytes() == (tmp_path / "theirs.rec").read_bytes()
    assert (tmp_path / "ours.idx").read_bytes() == (tmp_path / "theirs.idx").read_bytes()
    assert list(read_records(tmp_path / "theirs.rec")) == payloads


def test_random_payloads_of_few_words_are_to_the_byte_what_mxnet_writes(tmp_path: Path):
    draw = random.Random(0)
    pieces = [MAGIC, MAGIC[:2], b"\0", b"\n\n\n\n"]
    payloads = [b"".join(draw.choices(pieces, k=draw.randrange(12))) for _ in range(500)]
    _ours(tmp_path / "ours.rec", payloads)
    _theirs(tmp_path / "theirs.rec", payloads)
    assert (tmp_path / "ours.rec").read_bytes() == (tmp_path / "theirs.rec").read_bytes()
    assert list(read_records(tmp_path / "ours.rec")) == payloads


def test_mxnet_reads_what_is_written_by_key(tmp_path: Path):
    payloads = list(PAYLOADS.values())
    _ours(tmp_path / "ours.rec", payloads)
    reader = mx.recordio.MXIndexedRecordIO(str(tmp_path / "ours.idx"), str(tmp_path / "ours.rec"), "r")
    assert [reader.read_idx(key) for key in reversed(reader.keys)] == payloads[::-1]
    reader.close()


def test_records_are_found_by_key(tmp_path: Path):
    payloads = list(PAYLOADS.values())
    _theirs(tmp_path / "theirs.rec", payloads)
    index = read_index(tmp_path / "theirs.idx")
    assert list(index) == [10 * number for number in range(len(payloads))]
    with (tmp_path / "theirs.rec").open("rb") as file:
        for number in (7, 3, 0):
            file.seek(index[10 * number])
            assert read_record(file) == payloads[number]


def test_a_picture_is_packed_as_mxnet_packs_it():
    theirs = mx.recordio.pack(mx.recordio.IRHeader(0, 1.0, 2**40 + 5, 0), b"the picture")
    assert pack_record(1, 2**40 + 5, b"the picture") == theirs
    record = unpack_record(theirs)
    assert (record.labels, record.id, record.image) == ((1.0,), 2**40 + 5, b"the picture")


def test_several_labels_are_read():
    record = unpack_record(mx.recordio.pack(mx.recordio.IRHeader(0, [1.0, 2.5, -3.0], 9, 0), b"the picture"))
    assert (record.labels, record.id, record.image) == ((1.0, 2.5, -3.0), 9, b"the picture")


@pytest.mark.parametrize("payload", [b"", b"short", mx.recordio.pack((0, [1.0, 2.0], 0, 0), b"")[:-1]])
def test_a_payload_too_short_for_its_header_is_refused(payload: bytes):
    with pytest.raises(ValueError, match="too few"):
        unpack_record(payload)


def test_a_file_that_ends_in_a_record_is_named(tmp_path: Path):
    rec = tmp_path / "a.rec"
    _ours(rec, [b"whole", b"cut off here"])
    whole = rec.read_bytes()
    for length in range(17, len(whole)):
        rec.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"a\.rec ends in the middle of a record \(byte 16\)"):
            list(read_records(rec))


def test_a_file_that_is_none_is_named(tmp_path: Path):
    rec = tmp_path / "a.rec"
    rec.write_bytes(b"this is a text")
    with pytest.raises(UserError, match=r"a\.rec has no record where one should start \(byte 0\)"):
        list(read_records(rec))


def test_a_position_inside_a_record_is_refused(tmp_path: Path):
    rec = tmp_path / "a.rec"
    _ours(rec, [b"abcd" + MAGIC + b"xyz"])
    with rec.open("rb") as file:
        file.seek(12)  # the second part
        with pytest.raises(UserError, match=r"no record where one should start \(byte 12\)"):
            read_record(file)


def test_an_index_line_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "a.idx").write_text("0\t0\n1 16\n")
    with pytest.raises(UserError, match=r"a\.idx, line 2: "):
        read_index(tmp_path / "a.idx")
