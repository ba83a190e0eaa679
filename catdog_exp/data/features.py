"""What a network's frozen layers give for the pictures of a pack, computed once into files beside it.

They lie in the pack's own folder, `features/<digest>/`, are shared by all processes of a machine, and go when the
pack goes. The digest stands for the side, the layers and their weights, and how the pictures are shown to them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from catdog_exp.console import ProgressBar
from catdog_exp.data.config import AugmentConfig
from catdog_exp.data.decoded import RELEASED, DecodedPictures
from catdog_exp.data.kept_folder import kept_folder
from catdog_exp.packs.store import Pack
from catdog_exp.parallel import in_order
from catdog_exp.sources.source import Split

if TYPE_CHECKING:
    from catdog_exp.networks.frozen_layers import FrozenLayers

FORMAT = 1  # goes up whenever the files would be laid out otherwise, or hold other numbers
FOLDER = "features"  # in the pack's
VALUES = "values.npy"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeaturedPictures(DecodedPictures):
    """Pictures, and what the first `layers` layers of a network give for them.

    values: float32, shape (views, N, ...), in memory or mapped from a file. Those to train on have a view for each
    epoch, by turns; those to judge have the center crop and, where asked for, its mirror image.
    computed_by: digest of these layers.
    """

    layers: int
    computed_by: str
    values: NDArray[np.float32]

    @property
    def pictures(self) -> DecodedPictures:
        """The pictures alone."""
        return DecodedPictures(
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(DecodedPictures)}
        )

    def take(self, places: NDArray[np.int64]) -> FeaturedPictures:
        taken = vars(super().take(places))
        return FeaturedPictures(
            **taken, layers=self.layers, computed_by=self.computed_by, values=self.values[:, places]
        )


@dataclass(frozen=True)
class Computing:
    """What features are computed on. batch_size: on a GPU. threads: batches at once, which changes no number."""

    device: Literal["cpu", "gpu"]
    batch_size: int
    threads: int


@dataclass(frozen=True)
class Views:
    """How pictures are shown. augment: to train on them, as it changes them in each of its views.

    None: to judge them, as they are. mirrored: and with their mirror images.
    """

    augment: AugmentConfig | None = None
    mirrored: bool = False

    @property
    def count(self) -> int:
        """How many there are of each picture."""
        return 1 + self.mirrored if self.augment is None else self.augment.versions or 1

    def size(self, pictures: DecodedPictures) -> int:
        """Edge of what is shown, pixels."""
        return (self.augment.size if self.augment is not None else None) or pictures.size

    def show(self, pictures: DecodedPictures, view: int, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """One view of the pictures at some consecutive places: RGB, shape (N, 3, size, size)."""
        if self.augment is not None:
            from catdog_exp.data.epoch import AugmentedEpoch  # and with it Numba

            return AugmentedEpoch(pictures, self.augment, classes=1, seed=0, epoch=view + 1).crops(places)
        crops = pictures.crops(places[0], places[-1] + 1).transpose(0, 3, 1, 2)
        return crops[..., ::-1] if view else crops

    @property
    def described(self) -> dict[str, Any]:
        """What these views follow from."""
        described = dataclasses.asdict(self)
        if self.augment is not None:
            del described["augment"]["label_smoothing"]  # of the targets alone
        return described


def with_features(
    pictures: DecodedPictures, pack: Pack, split: Split, frozen: FrozenLayers, views: Views, computing: Computing
) -> FeaturedPictures:
    """The pictures of one side of a pack with what the frozen layers give for them: kept from before, else made now.

    Where they cannot be kept, they are held in this process's memory (`kept_folder`).
    Raises UserError when the device cannot be used.
    """
    computed_by = frozen.digest(views.size(pictures))
    about = {"format": FORMAT, "layers": computed_by, "views": views.described, "device": computing.device}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    place = pack.folder / FOLDER / f"{split}-{digest[:16]}"

    def make(folder: Path) -> None:
        started = time.perf_counter()
        with (folder / VALUES).open("wb") as file, closing(_rows(pictures, frozen, views, computing)) as parts:
            for number, rows in enumerate(parts):
                if number == 0:
                    header = {"descr": "<f4", "fortran_order": False, "shape": shape(rows)}
                    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
                file.write(rows.data)
        seconds = time.perf_counter() - started
        shown = views.count * len(pictures)
        told = f"{shown:,} features of {len(pictures):,} {split} pictures", place, seconds, shown / seconds
        log.info("computed %s into %s in %.1f s, %.0f images/s", *told)

    def shape(rows: NDArray[np.float32]) -> tuple[int, ...]:
        return views.count, len(pictures), *rows.shape[1:]

    kept = kept_folder(pack, place, about, (VALUES,), "features", make)
    if kept is None:
        rows = np.concatenate(list(_rows(pictures, frozen, views, computing)))
        values = rows.reshape(shape(rows))
    else:
        values = np.load(kept / VALUES, mmap_mode="r")
    return FeaturedPictures(**vars(pictures), layers=frozen.count, computed_by=computed_by, values=values)


def _rows(
    pictures: DecodedPictures, frozen: FrozenLayers, views: Views, computing: Computing
) -> Generator[NDArray[np.float32], None, None]:
    """The features, view by view, of some pictures at a time."""
    from catdog_exp.networks.forward import Forward

    edge, count = views.size(pictures), len(pictures)
    forward = Forward(frozen.build(edge), (3, edge, edge), computing.device, computing.batch_size, computing.threads)
    forward.keep(frozen.parameters)
    size = forward.batch_size
    parts = [
        (view, np.arange(start, min(start + size, count)))
        for view in range(views.count)
        for start in range(0, count, size)
    ]

    def batch(part: tuple[int, NDArray[np.int64]]) -> NDArray[np.uint8]:
        filled = np.zeros((1, size, 3, edge, edge), np.uint8)
        filled[0, : len(part[1])] = views.show(pictures, *part)
        return filled

    with (
        closing(in_order(batch, parts, threads=1)) as batches,
        ProgressBar("features", views.count * count, "images", leave=False) as bar,
    ):
        for (_, places), output in zip(parts, forward.outputs(batches), strict=True):
            yield output[: len(places)]
            if places[0] % RELEASED < size:
                pictures.release()
            bar.advance(len(places))
