"""What a run is about, resolved once before any work: its pictures, split, pack, first weights and identities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.experiment.config import RunConfig, Stage
from catdog_exp.experiment.identity import digest, kind_of_device, training_identity
from catdog_exp.packs.plan import DIGESTS, PackPlan, plan_pack
from catdog_exp.sources.source import Listing
from catdog_exp.tracking.done_stages import is_done
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.training.learned import Learned

if TYPE_CHECKING:
    from catdog_exp.inference.pictures import Picture

ORDER: tuple[Stage, ...] = ("pack", "preview", "train", "evaluate", "predict")


@dataclass(frozen=True)
class StartWeights:
    """Weights to start from. file: where they are. sha256: of the file. learned: the pictures that they have been
    trained on. validated: those that their epoch was chosen on."""

    file: Path
    sha256: str
    learned: Learned
    validated: Learned


@dataclass(frozen=True)
class Plan:
    """A run as it follows from its config, whatever of it is done already.

    pack: None for a run that only predicts. start: None where the first weights are drawn.
    to_predict: the pictures to label, none without that stage.
    identities: of each stage of the run, what its result follows from.
    """

    pack: PackPlan | None
    start: StartWeights | None
    to_predict: list[Picture]
    identities: dict[str, str]

    @property
    def training(self) -> str:
        """The identity of the training, "" for a run that trains nothing."""
        return self.identities.get("train", "")

    @property
    def inputs(self) -> str:
        """What the training has from elsewhere: its pictures and its first weights."""
        return digest([self.pack.trained_on if self.pack else "", self.start.sha256 if self.start else ""])

    def missing(self, done: Mapping[str, str]) -> list[Stage]:
        """The stages, in order, that are still to be done where those in `done` are, with the identities there."""
        return [
            stage for stage in ORDER if stage in self.identities and not is_done(done, stage, self.identities[stage])
        ]


def resolve(
    config: RunConfig,
    settings: Mapping[str, Any],
    packs: dict[str, PackPlan] | None = None,
    *,
    listing: Listing | None = None,
    with_weights: bool = True,
) -> Plan:
    """The plan of a run. Its pictures are made available (drawn, downloaded) where they are not, and looked at.

    settings: the same config, as plain values. packs: those that are planned already, by their settings, and more
    from now on: a sweep's jobs share them. listing: of its pictures, where it is made already. with_weights: False for
    a worker that is given them by another.

    Raises UserError when the pictures, or the weights to start from, cannot be had.
    """
    outputs = Path(config.paths.outputs)
    pack = None
    if set(config.stages) != {"predict"}:
        known = {} if packs is None else packs
        key = json.dumps(settings["data"], sort_keys=True)
        if key not in known:
            listing = listing or config.data.source.listing(config.data.classes)
            known[key] = plan_pack(listing, config.data, outputs / "packs")
        pack = known[key]
    start = None
    if "train" in config.stages and config.train.init_from is not None and with_weights:
        start = _start(config, config.train.init_from)
    to_predict: list[Picture] = []
    contents: list[list[str]] = []
    if "predict" in config.stages:
        to_predict, contents = _to_predict(config, outputs)
    training = ""
    if pack is not None and "train" in config.stages:
        kind = kind_of_device(config.hardware)
        training = training_identity(settings, pack, kind, _weights_digest(config, start))
    of_stage: dict[Stage, Any] = {"train": training, "predict": [training, contents]}
    if pack is not None:
        of_stage["pack"] = pack.fingerprint
        of_stage["preview"] = [pack.fingerprint, settings["augment"], config.train.seed]
        of_stage["evaluate"] = [training, pack.judged_on]
    identities: dict[str, str] = {
        stage: of_stage[stage] if isinstance(of_stage[stage], str) else digest(of_stage[stage])
        for stage in ORDER
        if stage in config.stages
    }
    return Plan(pack, start, to_predict, identities)


def _start(config: RunConfig, wanted: str) -> StartWeights:
    from catdog_exp.experiment.known_runs import runs_of
    from catdog_exp.networks.imagenet import IMAGENET, imagenet_weights
    from catdog_exp.networks.initial_weights import check_weights
    from catdog_exp.training.checkpoint import pictures_in

    file = Path(wanted)
    if wanted == IMAGENET:
        file = imagenet_weights(config.model, config.paths.cache_folder)
    elif is_run_id(wanted):
        file = runs_of(config).find(wanted).checkpoint
    check_weights(file)
    return StartWeights(file, hashlib.sha256(file.read_bytes()).hexdigest(), *pictures_in(file))


def _weights_digest(config: RunConfig, start: StartWeights | None) -> str | None:
    """Of all weights that the training has from elsewhere; None where it has none."""
    given = None if start is None else start.sha256
    brought = [hashlib.sha256(values.tobytes()).hexdigest() for values in config.model.weights().values()]
    return digest([given, brought]) if brought else given


def _to_predict(config: RunConfig, outputs: Path) -> tuple[list[Picture], list[list[str]]]:
    """The pictures to label, and the name and content of each; of an archive that of the whole."""
    from catdog_exp.images.content_hashes import contents
    from catdog_exp.inference.named_pictures import NamedPictures

    place = Path(str(config.predict.pictures or config.data.source.test_pictures())).absolute()
    pictures = list(NamedPictures([str(place)]))
    folder = place if place.is_dir() else place.parent
    named = [Path(picture.name) for picture in pictures] if place.is_dir() else [place]
    names = [path.relative_to(folder).as_posix() for path in named]
    found = contents(folder, names, outputs / "packs" / DIGESTS, config.data.threads)
    return pictures, [[name, found[name].sha256] for name in names]
