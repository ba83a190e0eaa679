"""The shards of a pack: runs of its lists, each in record files of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.console import ProgressBar
from catdog_exp.images.content_hashes import Content
from catdog_exp.packs.config import DataConfig
from catdog_exp.packs.lst_files import Entry
from catdog_exp.packs.writer import Rejected, pack_split
from catdog_exp.sources.source import Split


@dataclass(frozen=True)
class Shard:
    """A run of one side's list. name: of its three files, without the endings."""

    split: Split
    name: str
    entries: Sequence[Entry]


def cut_into_shards(lists: Mapping[Split, Sequence[Entry]], count: int) -> list[Shard]:
    """Cut the list of each side into `count` runs, whose lengths differ by one at most.

    A side with fewer pictures has a shard for each, an empty one none. One shard is `train_file`, several are
    `train_file_00` and on, with as many digits as `count` has.
    """
    shards = []
    for split, entries in lists.items():
        parts = min(count, len(entries))
        for number in range(parts):
            start, end = (len(entries) * place // parts for place in (number, number + 1))
            name = f"{split}_file" if count == 1 else f"{split}_file_{number:0{len(str(count))}d}"
            shards.append(Shard(split, name, entries[start:end]))
    return shards


def pack_shards(
    shards: Sequence[Shard],
    root: Path,
    folder: Path,
    contents: Mapping[str, Content],
    data: DataConfig,
) -> list[list[Rejected]]:
    """Pack `shards`, one after the other, each as `writer.pack_split` does, into files in `folder`.

    Returns the pictures left out of each. A terminal shows a progress bar.
    """
    with packing_bar(shards) as bar:
        return [
            pack_split(
                shard.entries,
                root,
                folder / shard.name,
                resize=data.resize,
                quality=data.quality,
                threads=data.threads,
                max_pixels=data.max_pixels,
                contents=contents,
                progress=bar.advance,
            )[1]
            for shard in shards
        ]


def packing_bar(shards: Sequence[Shard]) -> ProgressBar:
    """The progress bar for packing `shards`, in pictures."""
    return ProgressBar("packing", sum(len(shard.entries) for shard in shards), "pictures")


def without(entries: Sequence[Entry], rejected: Sequence[Rejected]) -> list[Entry]:
    """The entries that were not left out."""
    gone = {picture.path for picture in rejected}
    return [entry for entry in entries if entry.path not in gone]
