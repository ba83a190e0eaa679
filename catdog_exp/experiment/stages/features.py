"""What frozen layers give for a run's pictures: computed before it is trained, where training cannot change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from catdog_exp.experiment.identity import kind_of_device
from catdog_exp.experiment.work import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split


def with_frozen_layers(
    work: Work, pack: Pack, sides: Mapping[Split, DecodedPictures], given: Mapping[str, NDArray[Any]] | None
) -> Mapping[Split, DecodedPictures]:
    """The sides with what the network's frozen layers give for them; as they are where each epoch draws new pictures.

    given: weights to start from.
    """
    config = work.config
    given = {**config.model.weights(), **(given or {})}
    if not (given and config.augment.versions and config.hardware.dtype == "float32"):
        return sides
    from catdog_exp.data.features import Computing, Views, with_features
    from catdog_exp.networks.frozen_layers import frozen_layers

    patterns = [str(word) for word in config.train.freeze]
    frozen = frozen_layers(config.model, config.data.resize, len(config.data.classes), patterns, given)
    if frozen is None:
        return sides
    computing = Computing(kind_of_device(config.hardware), config.hardware.batch_size, work.threads)
    judged = Views(mirrored=config.train.mirrored)
    views = {split: Views(config.augment) if split == "train" else judged for split in sides}
    return {split: with_features(side, pack, split, frozen, views[split], computing) for split, side in sides.items()}
