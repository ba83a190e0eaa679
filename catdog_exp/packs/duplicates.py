"""The same picture more than once: on two sides of the split, or in two classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from catdog_exp.escaping import escaped
from catdog_exp.images.content_hashes import Content
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.writer import Rejected
from catdog_exp.sources.source import SPLITS, Split


class Separated(NamedTuple):
    """Lists of which no picture is on two sides or in two classes.

    copies: pictures taken from training, since the same are validated or tested on, and from validation, since the
        same are tested on.
    contradictions: pictures taken from all sides, since the same stand in another class.
    """

    lists: dict[Split, list[Entry]]
    copies: list[Rejected]
    contradictions: list[Rejected]


def separate(lists: Mapping[Split, list[Entry]], contents: Mapping[str, Content]) -> Separated:
    """Take from `lists` what would make validation and test tell too much, or training and validation nothing.

    Pictures are the same when their files are, to the byte. Only a split that a source brings along has one on two
    sides: it stays on the later one, validation or test. Figures are compared on these, and they are smaller: they
    would lose most of their pictures where every picture is there twice. Of one that stands in two classes none stays:
    nobody can know which class is right. Copies within a side and class stay, and weigh more.

    contents: of all pictures, by path. Files that are empty or cannot be read are like no other.
    """
    same: defaultdict[str, list[tuple[Split, Entry]]] = defaultdict(list)
    for split in SPLITS:
        for entry in lists[split]:
            content = contents[entry.path]
            if content.size:
                same[content.sha256].append((split, entry))
    copies: list[Rejected] = []
    contradictions: list[Rejected] = []
    for group in same.values():
        if len(group) == 1:
            continue
        entries = sorted((entry for _, entry in group), key=lambda entry: entry.path)
        if len({entry.label for entry in entries}) > 1:
            for entry in entries:
                other = next(each for each in entries if each.label != entry.label)
                reason = f"same picture as {escaped(other.path)}, which is of another class"
                contradictions.append(Rejected(entry.path, entry.label, reason))
        elif len({split for split, _ in group}) > 1:
            last = max((split for split, _ in group), key=SPLITS.index)
            kept = min(entry.path for split, entry in group if split == last)
            reason = f"same picture as {escaped(kept)}, which is {'tested' if last == 'test' else 'validated'} on"
            copies += [Rejected(entry.path, entry.label, reason) for split, entry in group if split != last]
    gone = {picture.path for picture in copies + contradictions}
    left = {split: [entry for entry in lists[split] if entry.path not in gone] for split in SPLITS}
    return Separated(left, copies, contradictions)
