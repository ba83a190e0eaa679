"""Labels that people have corrected in a CSV file (`data.corrections`), put in place of those of the source."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from catdog_exp.errors import UserError
from catdog_exp.escaping import unescaped
from catdog_exp.images.content_hashes import Content
from catdog_exp.packs.lst_files import Entry
from catdog_exp.sources.source import Listing, Split

LEAVE_OUT = "leave out"
CORRECTION, PICTURE, SHA256 = "correction", "picture", "sha256"  # the columns that are read

Row = Mapping[str, str | None]


def corrected(
    listing: Listing, lists: Mapping[Split, list[Entry]], contents: Mapping[str, Content], file: Path
) -> tuple[Listing, dict[Split, list[Entry]]]:
    """The listing and the sides' lists as `file` corrects them: each picture stays on its side.

    Raises UserError as `read_corrections` does.
    """
    labels = {picture.path: picture.label for picture in listing.pictures}
    right = {**labels, **read_corrections(file, listing, contents)}
    gone = sum(label is None for label in right.values())
    changed = sum(label != right[path] for path, label in labels.items()) - gone
    note = (
        f"{listing.note or listing.root}, {changed:,} label{'s' * (changed != 1)} corrected, {gone:,} left out by hand"
    )
    pictures = [
        replace(picture, label=label) for picture in listing.pictures if (label := right[picture.path]) is not None
    ]
    kept = {
        split: [replace(entry, label=label) for entry in entries if (label := right[entry.path]) is not None]
        for split, entries in lists.items()
    }
    return replace(listing, pictures=pictures, note=note), kept


def read_corrections(file: Path, listing: Listing, contents: Mapping[str, Content]) -> dict[str, int | None]:
    """The right label of each picture that `file` corrects, by path; None for one that is to be left out.

    A row's `correction` is a class, or `leave out`; empty, it says nothing. The picture is the one whose content has
    the digest `sha256`, wherever it lies and however often; in a row without that the one with the path `picture`.

    contents: of all pictures, by path.
    Raises UserError, naming file and line: the file cannot be read or lacks these columns; a row names no picture or
    no class; two rows do not agree.
    """
    by_content: defaultdict[str, list[str]] = defaultdict(list)
    for path, content in contents.items():
        by_content[content.sha256].append(path)
    classes = {name.casefold(): label for label, name in enumerate(listing.classes)}
    right: dict[str, int | None] = {}
    for line, row in corrections_in(file):
        word = _cell(row, CORRECTION)
        if word.casefold() not in {*classes, LEAVE_OUT}:
            allowed = ", ".join([*listing.classes, LEAVE_OUT])
            raise UserError(f"{file}, line {line}: {word!r} is no class; give one of {allowed}, or nothing")
        label = classes.get(word.casefold())
        for path in _named(row, f"{file}, line {line}", by_content, contents, listing.root):
            if right.setdefault(path, label) != label:
                raise UserError(f"{file}, line {line}: {path} is corrected otherwise by an earlier line")
    return right


def _named(
    row: Row, where: str, by_content: Mapping[str, list[str]], contents: Mapping[str, Content], root: Path
) -> list[str]:
    """The paths of the pictures that a row is about."""
    path, digest = _cell(row, PICTURE), _cell(row, SHA256).lower()
    if digest in by_content:
        return by_content[digest]
    if not digest and unescaped(path) in contents:
        return [unescaped(path)]
    if digest and unescaped(path) in contents:
        advice = f"{path} is another picture now: empty its {SHA256} if the row is about this one"
        raise UserError(f"{where}: no picture in {root} has this {SHA256}; {advice}")
    raise UserError(f"{where}: there is no picture {path or digest} in {root}; mend the row, or remove it")


def corrections_in(file: Path) -> list[tuple[int, Row]]:
    """The rows of a file that correct something, each with its line. Errors are those of `read_corrections`."""
    return [(line, row) for line, row in _rows(file) if _cell(row, CORRECTION)]


def _cell(row: Row, column: str) -> str:
    return (row.get(column) or "").strip()


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    """All rows; spreadsheets may have put other separators between the columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            head = lines.readline()
            lines.seek(0)
            reader = csv.DictReader(lines, delimiter=max(",;\t", key=head.count))
            columns = reader.fieldnames or []
            if CORRECTION not in columns or not {PICTURE, SHA256} & set(columns):
                wanted = f"{CORRECTION}, and {PICTURE} or {SHA256}"
                raise UserError(f"{file}: its first line must name the columns {wanted}; it has {', '.join(columns)}")
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise UserError(f"data.corrections={file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UserError(f"{file}: this is not UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: this is not a CSV file: {error}") from None
