"""One run, under one MLflow run: its plan, and the stages of it that are missing, in order."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from catdog_exp.console import say
from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig, Stage
from catdog_exp.experiment.distributed import alike, part_of
from catdog_exp.experiment.known_runs import earlier_network
from catdog_exp.experiment.naming import run_name
from catdog_exp.experiment.parameters import parameters
from catdog_exp.experiment.plan import Plan, resolve
from catdog_exp.experiment.run_lock import RunLock, run_lock
from catdog_exp.experiment.same_pictures import check_same_pictures
from catdog_exp.experiment.work import Work
from catdog_exp.tracking.best_run import DATASET
from catdog_exp.tracking.links import compared
from catdog_exp.tracking.record import RERUN_OF
from catdog_exp.tracking.run_lookup import FINGERPRINT
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.usage import PACK
from catdog_exp.training.distributed.process_group import ProcessGroup, joined
from catdog_exp.training.early_stopping import target_line
from catdog_exp.training.objective import is_minimized

if TYPE_CHECKING:
    from catdog_exp.data.decoded import DecodedPictures
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.packs.store import Pack
    from catdog_exp.sources.source import Listing, Split
    from catdog_exp.tracking.run_log import RunLog
    from catdog_exp.tracking.run_lookup import Earlier
    from catdog_exp.training.loop import Trained

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What came of a run.

    objective: its best value, None when nothing was trained. run_id: MLflow's, None where nothing is logged.
    link: one line, how to look at the run. reused: an earlier run's, in place of one of its own.
    """

    objective: float | None
    run_id: str | None
    link: str
    reused: bool = False


def run(
    config: RunConfig,
    folder: Path,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
    on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
    on_phase: Callable[[str], None] | None = None,
    expected: str | None = None,
    name: str | None = None,
    listing: Listing | None = None,
    sender: Sender | None = None,
) -> Result:
    """Do those stages of `config` that the experiment has not yet the results of, and log them.

    A training that has finished is not repeated since another stage is wanted: the missing stages are done with its
    network, and logged to its run.

    folder: the run's own, there already. settings: the whole config. overrides: what the user changed.
    on_epoch: called for each epoch with its number, counted from 1, and its metrics. on_phase: called with what begins
    now: `packing`, `decoding`, `training` …. expected: `Plan.inputs`, where they are known already. name:
    of the run at MLflow, None: as `run_name` has it. listing: of the pictures, where it is made already. sender:
    started already for this run, else it gets one of its own.
    Raises UserError for what the user can mend, Elsewhere as `run_lock` does.
    """
    with contextlib.ExitStack() as stack:
        workers = ProcessGroup()
        if "train" in config.stages:
            workers = stack.enter_context(joined(config.hardware, alike(settings)))
        config = part_of(config, workers)
        sender = sender or (Sender(config.tracking) if config.tracking.enabled else None)
        if sender is not None:
            stack.callback(sender.close)
        if (machine := config.chosen.get("machine", "default")) != "default":
            log.info("machine file: %s", machine)
        plan = resolve(config, settings, listing=listing, with_weights=workers.rank == 0)
        if config.rerun_of is not None and plan.pack is not None:
            check_same_pictures(config, plan.pack)
        lock = None
        if plan.training and workers.rank == 0:
            if expected not in (None, plan.inputs):
                raise UserError("the pictures, or the weights to start from, have changed since the sweep began")
            lock = stack.enter_context(run_lock(config, plan.training, folder, sender))
        earlier = lock.earlier if lock else None
        missing = plan.missing(earlier.done if earlier else {})
        if plan.training and not workers.told("train" in missing) and workers.rank > 0:
            return Result(None, None, "worker 0 has the network already")
        if lock is not None and lock.finished and earlier is not None and not missing:
            return _reused(config, earlier, sender)
        if lock is not None and lock.finished and earlier is not None:
            log.info("trained already: run %s; its network is used for: %s", earlier.run_id[:8], ", ".join(missing))
        tracker = stack.enter_context(_logged(config, settings, overrides, plan, folder, earlier, name, sender))
        work = Work(config, plan, folder, tracker, dict(earlier.done) if earlier else {})
        try:
            objective = _stages(work, missing, workers, lock, on_epoch, on_phase or (lambda _: None))
        finally:
            work.log_figures()
        if config.train.target is not None and objective is not None:
            say(log, target_line(config.train.target, config.objective, objective))
        say(log, f"files: {folder}")
        say(log, f"MLflow: {tracker.link}{compared(tracker.link)}")
        return Result(objective, tracker.run_id, tracker.link)


@contextlib.contextmanager
def _logged(
    config: RunConfig,
    settings: Mapping[str, Any],
    overrides: Sequence[str],
    plan: Plan,
    folder: Path,
    earlier: Earlier | None,
    name: str | None,
    sender: Sender | None,
) -> Iterator[RunLog]:
    """The run at MLflow, with its settings: a new one, or the earlier one that goes on."""
    from catdog_exp.tracking.run import start_run
    from catdog_exp.tracking.uris import without_password

    # What is logged is for many eyes.
    shown = yaml.safe_load(without_password(yaml.safe_dump(dict(settings), sort_keys=False)))
    words = [without_password(word) for word in overrides]
    tags = {"objective": config.objective}
    if plan.training:
        tags[FINGERPRINT] = plan.training
    if plan.pack is not None:
        listing = plan.pack.listing
        tags |= {PACK: plan.pack.fingerprint, DATASET: plan.pack.dataset, "pictures": listing.note or str(listing.root)}
    if config.rerun_of is not None:
        tags[RERUN_OF] = config.rerun_of
    if "experiment" in config.chosen:
        tags["recipe"] = config.chosen["experiment"]
    outputs, resume = Path(config.paths.outputs), None if earlier is None else earlier.run_id
    with start_run(config.tracking, outputs, name or run_name(shown, words), tags, resume, sender) as tracker:
        if earlier is not None:  # of which it may have been another pack, or other pictures to test on
            tracker.tags({key: value for key, value in tags.items() if key in (PACK, DATASET, "pictures")})
        tracker.params({**config.chosen, **parameters(shown)})
        for file, content in (("config.yaml", shown), ("overrides.yaml", words)):
            (folder / file).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
            if earlier is None:
                tracker.artifact(folder / file, "config")
        tracker.settle()  # a store, or a place for files, that takes nothing is to be known before any work
        yield tracker
        minimize = is_minimized(config.objective)
        tracker.share({**config.chosen, **parameters(shown)}, minimize)
        tracker.describe(words, minimize)


def _stages(
    work: Work,
    missing: Sequence[Stage],
    workers: ProcessGroup,
    lock: RunLock | None,
    on_epoch: Callable[[int, Mapping[str, float]], None] | None,
    on_phase: Callable[[str], None],
) -> float | None:
    """Do the missing stages, in order. Returns the objective, None where nothing is trained."""
    from catdog_exp.experiment.stages.evaluate import evaluate
    from catdog_exp.experiment.stages.features import with_frozen_layers
    from catdog_exp.experiment.stages.model import log_model
    from catdog_exp.experiment.stages.pack import decoded, log_pack, opened_pack
    from catdog_exp.experiment.stages.predict import predict
    from catdog_exp.experiment.stages.preview import preview
    from catdog_exp.experiment.stages.train import start_weights, train

    trained: Trained | None = None
    network: Classifier | None = None
    pack: Pack | None = None
    sides: dict[Split, DecodedPictures] = {}
    finished = lock.earlier if lock is not None and lock.finished else None
    if "train" not in missing and {"evaluate", "predict"} & set(missing):
        network = earlier_network(work.config, work.plan, finished)  # before any work: there may be none
    if set(missing) - {"predict"}:
        on_phase("packing")
        pack = opened_pack(work)
        if "pack" in missing:
            log_pack(work, pack)
            work.finish("pack")
        on_phase("decoding")
        if {"preview", "train", "evaluate"} & set(missing) and "train" in work.pack.sides:
            sides["train"] = decoded(work, pack, "train")
        if "preview" in missing:
            on_phase("drawing previews")
            preview(work, sides["train"])
            work.finish("preview")
        if {"train", "evaluate"} & set(missing) and "validation" in work.pack.sides:
            sides["validation"] = decoded(work, pack, "validation")
        if "evaluate" in missing and "test" in work.pack.sides:
            sides["test"] = decoded(work, pack, "test")
        if "train" in missing:
            place = lock.folder if lock is not None else None
            given = start_weights(work, workers)
            on_phase("computing frozen layers")
            sides = dict(with_frozen_layers(work, pack, sides, given))
            on_phase("training")
            trained = train(work, pack, sides["train"], sides["validation"], workers, place, on_epoch, given)
            work.finish("train")
    if trained is not None:
        network = _loaded(work, trained.best)
    figures: dict[str, float] = {}
    if network is not None:
        on_phase("evaluating")
    if "evaluate" in missing and pack is not None and network is not None:
        figures = evaluate(work, pack, network, sides)
    if "validation" in sides and network is not None and work.plan.training:
        log_model(work, network, sides["validation"], figures)
    if "evaluate" in missing and network is not None:
        work.finish("evaluate")
    if "predict" in missing and network is not None:
        predict(work, network)
        work.finish("predict")
    if trained is not None:
        return trained.best_value
    return finished.objective if finished is not None else None


def _loaded(work: Work, checkpoint: Path) -> Classifier:
    from catdog_exp.inference.classifier import Classifier

    hardware = work.config.hardware
    return Classifier.load(checkpoint, hardware.device, hardware.batch_size, work.threads, type(work.config.model))


def _reused(config: RunConfig, finished: Earlier, sender: Sender | None) -> Result:
    if not finished.closed and sender is not None:  # it was interrupted after its last stage
        sender.close_run(finished.run_id)
    assert finished.objective is not None
    run_id, result = finished.run_id[:8], f"{config.objective} {finished.objective:.4f}"
    say(log, f"finished already: run {run_id}, {result}; if_exists=new runs it again")
    say(log, f"MLflow: {finished.link}{compared(finished.link)}")
    return Result(finished.objective, finished.run_id, finished.link, reused=True)
