"""The stage `train`: a trained network, and its curves."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.console import say
from catdog_exp.errors import GivenUp, UserError
from catdog_exp.experiment.judging import TRAINED, digests_of, warn_of_unknown, without
from catdog_exp.experiment.work import Work
from catdog_exp.files import replacing
from catdog_exp.tracking.best_run import OBJECTIVE
from catdog_exp.tracking.run_log import PRUNED
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.learned import Learned
from catdog_exp.training.objective import is_better

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.packs.store import Pack
    from catdog_exp.training.loop import Begun, Trained

log = logging.getLogger(__name__)

OnEpoch = Callable[[int, Mapping[str, float]], None]


def train(
    work: Work,
    pack: Pack,
    pictures: DecodedPictures,
    validation: DecodedPictures,
    workers: ProcessGroup,
    place: Path | None,
    on_epoch: OnEpoch | None,
    given: Mapping[str, NDArray[Any]] | None,
) -> Trained | None:
    """Train, and log the network. place: where worker 0 keeps what it needs to go on; None for any other worker.
    given: `start_weights`.

    What the network that it starts from was trained on is not validated on.
    Returns None for any worker but the first. Raises UserError where nothing is left to validate on.
    """
    from catdog_exp.plots.curves import training_curves
    from catdog_exp.training.loop import train

    config, start = work.config, work.plan.start
    _summarize(work)
    packs = workers.of_all(pack.fingerprint)
    if len(set(packs)) > 1:
        raise UserError(f"the workers have different pictures: their packs are {', '.join(packs)}")
    before = Learned() if start is None else start.learned
    judged = digests_of(work.pack, pack, "validation")
    if start is not None:
        warn_of_unknown(before, "the network's first weights were")
        validation, judged = without(validation, judged, before, "validation", TRAINED)

    best: list[float] = []  # the objective's best values, one after the other

    def epoch_done(epoch: int, metrics: dict[str, float]) -> None:
        value = metrics[config.objective]
        is_best = is_better(config.objective, value, best[-1] if best else None)
        best.extend([value] * is_best)
        work.tracker.metrics(metrics, epoch, {OBJECTIVE: value} if is_best else {})
        work.tracker.has_epochs = True
        if work.figures:
            work.log_figures()
        try:
            if on_epoch is not None:
                on_epoch(epoch, metrics)
        except GivenUp:
            work.tracker.tags({PRUNED: str(epoch)})
            raise

    def begun(known: Begun) -> None:
        if place is not None:
            _show_begin(work, known)

    trained = train(
        config.model,
        config.train,
        config.augment,
        config.hardware,
        config.objective,
        pictures,
        validation,
        pack.classes,
        place or work.folder,
        on_epoch=epoch_done,
        on_begin=begun,
        threads=work.threads,
        given=given,
        workers=workers,
        pack=pack.fingerprint,
        learned=before.with_more(work.pack.digests("train")),
        validated=(Learned() if start is None else start.validated).with_more(judged),
        quality=config.data.quality,
    )
    workers.leave()
    if place is None:
        log.info("trained: params_sha256 %s; worker 0 keeps the network", trained.params_sha256)
        return None
    trained = _kept(trained, work.folder / "checkpoints")
    curves = work.folder / "training_curves.png"
    training_curves(trained.history, curves, config.objective)
    work.tracker.artifact(curves)
    work.tracker.artifact(trained.best, "checkpoints")
    work.tracker.tags({"params_sha256": trained.params_sha256})
    say(log, f"best {config.objective}: {trained.best_value:.4f}, of epoch {trained.best_epoch}")
    return trained


def _show_begin(work: Work, begun: Begun) -> None:
    if begun.curve is not None:
        from catdog_exp.plots.range_test import range_test_plot

        file = work.folder / "lr_range_test.png"
        range_test_plot(begun.curve, begun.lr, file)
        work.tracker.params({"train.lr_found": begun.lr})
        work.tracker.artifact(file)
        say(log, f"train.lr=find: {begun.lr:g}, by a range test of {len(begun.curve)} steps ({file.name})")
    if begun.profile is not None:
        from catdog_exp.plots.step_profile import step_profile_plot

        file = work.folder / "step_profile.png"
        step_profile_plot(begun.profile, file)
        work.tracker.artifact(file)
        say(log, f"{begun.profile.line} ({file.name})")


def _kept(trained: Trained, folder: Path) -> Trained:
    """The training with its checkpoints copied into the run's own folder."""
    folder.mkdir(exist_ok=True)
    for file in (trained.best, trained.last):
        with replacing(folder / file.name) as aside:
            shutil.copyfile(file, aside)
    return dataclasses.replace(trained, best=folder / trained.best.name, last=folder / trained.last.name)


def _summarize(work: Work) -> None:
    from catdog_exp.networks.summary import summarize

    size = work.config.data.resize
    summary = summarize(work.config.model.build(size, len(work.config.data.classes)), size)
    log.info("network at %d pixels: %s\n%s", size, summary.totals, summary.table())
    file = work.folder / "model_summary.txt"
    file.write_text(f"{summary.table()}\n", encoding="utf-8")
    work.tracker.artifact(file)
    work.tracker.params({"model.parameters": summary.parameters, "model.multiply_adds": summary.multiply_adds})


def start_weights(work: Work, workers: ProcessGroup) -> dict[str, NDArray[Any]] | None:
    """Weights to start from, where `train.init_from` names some; worker 0 gives them to the others."""
    from catdog_exp.networks.initial_weights import read_weights

    if work.config.train.init_from is None:
        return None
    start = work.plan.start
    if start is None:
        return workers.arrays({})
    log.info("weights to start from: %s", start.file)
    return workers.arrays(read_weights(start.file))
