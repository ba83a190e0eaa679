"""Predictions written to files, one after the other: CSV, JSON lines, Parquet, and Kaggle's submission."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path, PurePath
from typing import IO, Any

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.inference.pictures import Picture
from catdog_exp.inference.prediction import Prediction
from catdog_exp.packs.lst_files import Entry, write_list

ENDINGS = (".csv", ".jsonl", ".parquet")
ROW_GROUP = 16_384  # rows of a Parquet file that are in memory at once
# The log loss of a sure mistake is endless: of 25,000 answers a single one would count more than all others.
SURE = 0.005
NUMBER = re.compile(r"(\d+)\D*$")

Write = Callable[[Prediction], object]


@contextmanager
def prediction_file(path: Path, classes: Sequence[str], top_k: int | None = None) -> Iterator[Write]:
    """Gives what writes a prediction into a CSV, JSON lines or Parquet file, by the ending of `path`.

    A row for each: path, label, probability, `p_<class>` for each class, reason; with `top_k` in place of all classes
    the second to k-th likeliest, as `label_2`, `probability_2` and so on. Bytes of a path that are not UTF-8 are
    written as `\\x` and two hexadecimal digits. The file is whole, and there when the block ends well.

    Raises UserError when `path` cannot be written.
    """
    names = _columns(classes, top_k)
    with replacing(path) as aside:
        if path.suffix.lower() == ".parquet":
            with _parquet(aside, names) as write_row:
                yield lambda found: write_row(_row(found, classes, top_k))
        else:
            with aside.open("w", encoding="utf-8", newline="") as out:
                write_line = _lines(path, out, names, begin=True)
                yield lambda found: write_line(_row(found, classes, top_k))


@contextmanager
def growing_file(path: Path, classes: Sequence[str], top_k: int | None = None) -> Iterator[tuple[Write, set[str]]]:
    """As `prediction_file`, for CSV and JSON lines: each row is in the file at once, behind those that are there.

    Gives the paths that it has rows of, too. Raises UserError where it has other columns.
    """
    names = _columns(classes, top_k)
    try:
        known = _answered(path, names) if path.exists() else set()
        with path.open("a", encoding="utf-8", newline="", buffering=1) as out:
            write_line = _lines(path, out, names, begin=out.tell() == 0)
            yield lambda found: write_line(_row(found, classes, top_k)), known
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def submission_file(path: Path) -> Iterator[Write]:
    """Gives what writes a prediction into a submission as Kaggle takes it for cats and dogs: `id,label`, sorted by id.

    id: the last number in a picture's name. label: the probability of class 1, within SURE and 1 - SURE; a half for a
    picture that cannot be read. Raises UserError for a picture without a number, and for one whose number another has.
    """
    shares: dict[int, float] = {}

    def write(found: Prediction) -> None:
        number = number_of(found.picture)
        if number in shares:
            raise UserError(f"{found.picture.name}: another picture has the number {number} too; a submission has one")
        shares[number] = min(1 - SURE, max(SURE, found.probabilities[1])) if found.probabilities else 0.5

    yield write
    with replacing(path) as aside:
        rows = "".join(f"{number},{shares[number]:.6f}\n" for number in sorted(shares))
        aside.write_text(f"id,label\n{rows}", encoding="utf-8")


def number_of(picture: Picture) -> int:
    """The last number in a picture's name. Raises UserError where there is none."""
    found = NUMBER.search(PurePath(picture.name).stem)
    if found is None:
        raise UserError(f"{picture.name}: this name has no number, which a submission needs")
    return int(found[1])


def write_test_list(pictures: Sequence[Picture], path: Path) -> None:
    """Write the pictures as a `.lst` file, label 0, as im2rec.py lists pictures that have no label.

    Raises UserError when `path` cannot be written.
    """
    entries = [Entry(index, 0, picture.name) for index, picture in enumerate(pictures)]
    with replacing(path) as aside:
        write_list(aside, entries)


def written_name(picture: Picture) -> str:
    """A picture's name as files have it."""
    return os.fsencode(picture.name).decode(errors="backslashreplace")


def _answered(path: Path, names: Sequence[str]) -> set[str]:
    """The paths in a file of predictions. Raises UserError where its columns are not these."""
    known = set[str]()
    with path.open(encoding="utf-8", newline="") as there:
        if path.suffix.lower() == ".csv":
            rows = iter(csv.reader(there))
            columns = next(rows, list(names))
            known = {row[0] for row in rows if row}
        else:
            columns = list(names)
            for line in there:
                row = _object(line)
                columns = list(row)
                if columns != list(names):
                    break
                known.add(row["path"])
    if columns != list(names):
        raise UserError(f"{path}: it has other columns than these predictions: name another file")
    return known


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _columns(classes: Sequence[str], top_k: int | None) -> list[str]:
    others = [f"p_{name}" for name in classes]
    if top_k is not None:
        ranks = range(2, min(top_k, len(classes)) + 1)
        others = [f"{what}_{rank}" for rank in ranks for what in ("label", "probability")]
    return ["path", "label", "probability", *others, "reason"]


def _row(found: Prediction, classes: Sequence[str], top_k: int | None) -> list[str | float | None]:
    others: list[str | float | None] = list(found.probabilities) or [None] * len(classes)
    if top_k is not None:
        others = [value for pair in found.likeliest(classes, top_k)[1:] for value in pair]
        others = others or list[str | float | None]([None]) * (2 * min(top_k, len(classes)) - 2)
    return [written_name(found.picture), found.label, found.probability, *others, found.reason or None]


def _lines(path: Path, out: IO[str], names: Sequence[str], *, begin: bool) -> Callable[[Sequence[Any]], object]:
    """What writes a row's values. begin: whether what comes before the first row is still to be written."""
    if path.suffix.lower() == ".jsonl":
        rounded = json.JSONEncoder(ensure_ascii=False).encode

        def write(values: Sequence[Any]) -> None:
            exact = [round(value, 6) if isinstance(value, float) else value for value in values]
            out.write(f"{rounded(dict(zip(names, exact, strict=True)))}\n")

        return write
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    if begin:
        writer.writerow(names)
    return lambda values: writer.writerow(
        [Decimal(f"{value:.6f}") if isinstance(value, float) else "" if value is None else value for value in values]
    )


@contextmanager
def _parquet(path: Path, names: Sequence[str]) -> Iterator[Callable[[Sequence[Any]], object]]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    numbers = ("probability", "p_")
    fields = [(name, pa.float64() if name.startswith(numbers) else pa.string()) for name in names]
    schema = pa.schema(fields)
    waiting: list[Sequence[Any]] = []
    with ParquetWriter(path, schema) as writer:

        def flush() -> None:
            columns = [
                pa.array(column, kind) for column, (_, kind) in zip(zip(*waiting, strict=True), fields, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            waiting.clear()

        def write(values: Sequence[Any]) -> None:
            waiting.append(values)
            if len(waiting) == ROW_GROUP:
                flush()

        yield write
        if waiting:
            flush()
