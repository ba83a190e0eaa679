"""The stages of a run: what each makes, shows and logs."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.errors import GivenUp, UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.files import replacing
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.ids import is_run_id
from catdog_exp.tracking.run_log import PRUNED
from catdog_exp.training.distributed.process_group import ProcessGroup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.inference.trained_network import Runs
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Split
    from catdog_exp.tracking.run_log import RunLog
    from catdog_exp.training.loop import Trained

log = logging.getLogger(__name__)


class Stages:
    """The stages of one run. What several of them need (the pack, its pictures, the network) is made once."""

    def __init__(self, config: RunConfig, folder: Path, tracker: RunLog, workers: ProcessGroup) -> None:
        self.config = config
        self.workers = workers
        self.threads = threads_to_use(config.hardware.threads)
        self.folder = folder
        self.tracker = tracker
        self.trained: Trained | None = None

    def pack(self) -> None:
        """Record files of the source's pictures."""
        pack = self.packed
        (self.folder / "classes.json").write_text(json.dumps({name: label for label, name in enumerate(pack.classes)}))
        for file in (
            pack.folder / "manifest.json",
            pack.folder / "rejected.csv",
            self.folder / "classes.json",
        ):
            self.tracker.artifact(file, "pack")
        if pack.images_per_second is not None:
            self.tracker.metrics({"pack/images_per_second": pack.images_per_second}, step=0)

    def preview(self) -> None:
        """Sheets to look at before training: the packed pictures, and what augmentation makes of them."""
        from catdog_exp.plots.sheet import augmented_sheet, preview_sheet

        config, pictures, classes = self.config, self.train_pictures, self.packed.classes
        packed, augmented = self.folder / "preview.png", self.folder / "preview_augmented.png"
        preview_sheet(pictures, classes, packed)
        augmented_sheet(pictures, classes, config.augment, config.train.seed, augmented)
        for sheet in (packed, augmented):
            self.tracker.artifact(sheet)
        log.info("pictures to look at: %s, %s", packed, augmented.name)

    def train(self, place: Path | None, on_epoch: Callable[[int, Mapping[str, float]], None] | None = None) -> None:
        """A trained network, and its curves. place: where worker 0 keeps what it needs to go on."""
        from catdog_exp.plots.curves import training_curves
        from catdog_exp.training.loop import train

        config, workers = self.config, self.workers
        self._summarize()
        packs = workers.of_all(self.packed.fingerprint)
        if len(set(packs)) > 1:
            raise UserError(f"the workers have different pictures: their packs are {', '.join(packs)}")

        def epoch_done(epoch: int, metrics: dict[str, float]) -> None:
            self.tracker.metrics(metrics, step=epoch)
            try:
                if on_epoch is not None:
                    on_epoch(epoch, metrics)
            except GivenUp:
                self.tracker.tags({PRUNED: str(epoch)})
                raise

        trained = train(
            config.model,
            config.train,
            config.augment,
            config.hardware,
            config.objective,
            self.train_pictures,
            self.validation_pictures,
            self.packed.classes,
            place or self.folder,
            on_epoch=epoch_done,
            threads=self.threads,
            given=self._given_weights(),
            workers=workers,
        )
        workers.leave()
        if place is None:
            log.info("trained: params_sha256 %s; worker 0 keeps the network", trained.params_sha256)
            return
        checkpoints = self.folder / "checkpoints"
        checkpoints.mkdir(exist_ok=True)
        for file in (trained.best, trained.last):
            with replacing(checkpoints / file.name) as aside:
                shutil.copyfile(file, aside)
        best, last = checkpoints / trained.best.name, checkpoints / trained.last.name
        self.trained = dataclasses.replace(trained, best=best, last=last)
        curves = self.folder / "training_curves.png"
        training_curves(self.trained.history, curves, config.objective)
        self.tracker.artifact(curves)
        self.tracker.artifact(self.trained.best, "checkpoints")
        self.tracker.tags({"params_sha256": self.trained.params_sha256})
        self.tracker.metrics({"objective": self.trained.best_value}, step=self.trained.best_epoch)
        log.info("best %s: %.4f, of epoch %d", config.objective, self.trained.best_value, self.trained.best_epoch)

    def _summarize(self) -> None:
        from catdog_exp.networks.summary import summarize

        size = self.config.data.resize
        summary = summarize(self.config.model.build(size, len(self.packed.classes)), size)
        log.info("network at %d pixels: %s\n%s", size, summary.totals, summary.table())
        file = self.folder / "model_summary.txt"
        file.write_text(f"{summary.table()}\n", encoding="utf-8")
        self.tracker.artifact(file)
        counts = {"model/parameters": summary.parameters, "model/multiply_adds": summary.multiply_adds}
        self.tracker.metrics(counts, step=0)

    def _given_weights(self) -> dict[str, NDArray[Any]] | None:
        """Weights to start from, where `train.init_from` names some."""
        wanted = self.config.train.init_from
        if wanted is None:
            return None
        return self.workers.arrays(self._weights_in(wanted) if self.workers.rank == 0 else {})

    def _weights_in(self, wanted: str) -> dict[str, NDArray[Any]]:
        from catdog_exp.networks.initial_weights import read_weights

        file = self._runs().find(wanted).checkpoint if is_run_id(wanted) else Path(wanted)
        log.info("weights to start from: %s", file)
        return read_weights(file)

    def _runs(self) -> Runs:
        from catdog_exp.inference.trained_network import Runs

        return Runs(self.config.tracking, self.config.objective, Path(self.config.paths.outputs))

    def evaluate(self) -> None:
        """How good the network is on the validation pictures, in figures and pictures."""
        from catdog_exp.inference.evaluation import evaluate
        from catdog_exp.plots.confusion import confusion_plot
        from catdog_exp.plots.sheet import mistakes_sheet

        pictures = self.validation_pictures
        self._check_network_fits()
        probabilities = self.classifier.probabilities_of(pictures)
        evaluation = evaluate(pictures.labels, probabilities, self.packed.classes)
        figures = {f"best/{name}": value for name, value in evaluation.metrics().items()}
        self.tracker.metrics(figures, step=self.classifier.checkpoint.epoch)
        confusion, mistakes = self.folder / "confusion_matrix.png", self.folder / "worst_mistakes.png"
        confusion_plot(evaluation.confusion, self.packed.classes, confusion)
        mistakes_sheet(pictures, evaluation, mistakes)
        for picture in (confusion, mistakes):
            self.tracker.artifact(picture)
        log.info("on %s validation pictures: %s", f"{len(pictures):,}", evaluation.shown)

    def predict(self) -> None:
        """Labels of pictures that have none: a list, a table, a CSV file and a sheet of them."""
        from catdog_exp.inference.prediction import find_pictures, predict, table, write_csv, write_test_list
        from catdog_exp.plots.sheet import prediction_sheet

        folder = self.config.predict.pictures or self.config.data.source.test_pictures()
        pictures = find_pictures([str(folder)])
        files = [self.folder / name for name in ("test_file.lst", "predictions.csv", "predictions.png")]
        write_test_list(pictures, files[0])
        predictions = predict(self.classifier, pictures, self.threads)
        write_csv(predictions, self.classifier.classes, files[1])
        prediction_sheet(predictions, files[2])
        for file in files:
            self.tracker.artifact(file, "predictions")
        log.info("%s", table(predictions, limit=20))

    def _check_network_fits(self) -> None:
        network, data = self.classifier, self.config.data
        if (network.classes, network.size) != (self.packed.classes, data.resize):
            raise UserError(
                f"the network is for {', '.join(network.classes)} at {network.size} pixels, the pictures are "
                f"{', '.join(self.packed.classes)} at {data.resize}: choose another with predict.run=ID, or train one"
            )

    @cached_property
    def packed(self) -> Pack:
        from catdog_exp.packs.plan import plan_pack
        from catdog_exp.packs.store import find_pack, open_pack

        listing = self.config.data.source.listing(self.config.data.classes)
        if listing.note:
            log.info("pictures: %s", listing.note)
        # What a stage makes is made by that stage alone: without `pack` a run uses the pack that is there.
        pack_of = open_pack if "pack" in self.config.stages else find_pack
        pack = pack_of(plan_pack(listing, self.config.data, Path(self.config.paths.outputs) / "packs"))
        self.tracker.tags({"pack": pack.fingerprint, "pictures": listing.note or str(listing.root)})
        sides: list[tuple[Split, Any]] = [("train", "training"), ("validation", "validation")]
        for split, context in sides:
            self.tracker.dataset(listing.root.name, pack.fingerprint, str(pack.folder), context, pack.counts[split])
        return pack

    @cached_property
    def train_pictures(self) -> DecodedPictures:
        return self._decoded("train")

    @cached_property
    def validation_pictures(self) -> DecodedPictures:
        return self._decoded("validation")

    def _decoded(self, split: Split) -> DecodedPictures:
        from catdog_exp.data.decoded_cache import decoded_side

        return decoded_side(self.packed, split, self.config.data.resize, self.threads)

    @cached_property
    def classifier(self) -> Classifier:
        """The network just trained, at its best epoch; where none was trained, `predict.run`'s or the best run's."""
        from catdog_exp.inference.classifier import Classifier
        from catdog_exp.inference.trained_network import trained_classifier

        if self.trained is None:
            return trained_classifier(self._runs(), self.config.predict.run, self.config.hardware)
        hardware = self.config.hardware
        return Classifier.load(self.trained.best, hardware.device, hardware.batch_size, self.threads)
