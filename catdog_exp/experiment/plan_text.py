"""What a run would do, in words: what is there already, what is to be done, and from where (`plan=true`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.plan import ORDER, Plan, resolve
from catdog_exp.experiment.run_lock import what_counts
from catdog_exp.packs.manifest import by_class
from catdog_exp.packs.plan import PackPlan
from catdog_exp.packs.split import coarseness
from catdog_exp.sources.source import Listing

if TYPE_CHECKING:
    from catdog_exp.tracking.run_lookup import Earlier

SIDES = {"train": "to train on", "validation": "to validate on", "test": "to test on"}


def plan_text(config: RunConfig, settings: Mapping[str, Any], listing: Listing | None) -> str:
    """The plan of a run, a line for each part; nothing is made but notes of the pictures' digests.

    listing: of the pictures, where it is made already.
    Raises UserError when the pictures, or the weights to start from, cannot be had.
    """
    absent = config.data.source.absent()
    if absent is not None and set(config.stages) != {"predict"}:
        return _aligned([("pictures", f"{absent}; all else follows from them"), ("stages", ", ".join(config.stages))])
    plan = resolve(config, settings, listing=listing)
    rows = []
    if plan.pack is not None:
        rows += _pictures(plan.pack)
    if plan.start is not None:
        known = f"{len(plan.start.learned.digests):,} pictures" if plan.start.learned.complete else "not known"
        rows.append(("weights", f"from {plan.start.file}, which were trained on: {known}"))
    if "train" not in config.stages and {"evaluate", "predict"} & set(config.stages):
        rows.append(("network", _network(config, plan)))
    rows += _stages(config, plan)
    return _aligned(rows)


def _pictures(plan: PackPlan) -> list[tuple[str, str]]:
    listing = plan.listing
    counts = Counter(picture.label for picture in listing.pictures)
    classes = by_class({name: counts[label] for label, name in enumerate(listing.classes)})
    where = f"{len(listing.pictures):,} in {listing.root}: {classes}"
    sides = [f"{len(plan.lists[split]):,} {SIDES[split]}" for split in plan.sides]
    few = [coarseness(len(plan.lists[split])) for split in plan.sides if split != "train"]
    sides += filter(None, few)
    twice = len(plan.separated.copies) + len(plan.separated.contradictions)
    if twice:
        sides.append(f"{twice:,} left out, since the same picture is there again")
    there = (plan.place / "manifest.json").is_file() and not plan.data.repack
    rows = [
        ("pictures", where + (f"; {listing.note}" if listing.note else "")),
        ("data set", plan.dataset),
        ("split", ", ".join(sides)),
        ("files", f"{plan.place}: {'is there' if there else 'is to be made'}"),
    ]
    for split in plan.sides:
        folder = plan.place / "decoded" / split
        rows.append(("decoded", f"{split} side: {'is there' if folder.is_dir() else 'is to be made'}"))
    return rows


def _network(config: RunConfig, plan: Plan) -> str:
    from catdog_exp.experiment.known_runs import runs_of

    try:
        runs, wanted = runs_of(config), config.predict.run
        run = runs.find(wanted) if wanted else runs.best(plan.pack.dataset if plan.pack else None, or_last=True)
    except UserError as error:
        return f"there is none: {error}"
    return f"of run {run.described}"


def _stages(config: RunConfig, plan: Plan) -> list[tuple[str, str]]:
    there = _earlier(config, plan)
    earlier, finished = what_counts(config, there)
    missing = plan.missing(earlier.done if earlier is not None else {})
    rows: list[tuple[str, str]] = []
    for stage in ORDER:
        if stage not in config.stages:
            continue
        text = "is to be done"
        if stage not in missing and earlier is not None:
            text = f"is done, in run {earlier.run_id[:8]}"
        elif stage == "train" and there is not None and there.state == "running":
            text = f"is under way as run {there.run_id[:8]}, process {there.pid} on {there.host}"
        elif stage == "train" and (state := _newest_state(config, plan)) is not None:
            text = f"goes on after epoch {state} of {config.train.epochs}"
        elif finished and earlier is not None and stage in ("evaluate", "predict"):
            text = f"is to be done, with the network of run {earlier.run_id[:8]}"
        if stage == "train":
            text += f" (identity {plan.training[:8]})"
        rows.append((f"stage {stage}", text))
    return rows


def _earlier(config: RunConfig, plan: Plan) -> Earlier | None:
    from catdog_exp.tracking.run_lookup import RESUMING, STATES, earlier_runs

    if not plan.training:
        return None
    order = RESUMING if config.if_exists == "resume" else STATES
    return earlier_runs(config.tracking, [plan.training], order).get(plan.training)


def _newest_state(config: RunConfig, plan: Plan) -> int | None:
    """After which epoch an interrupted training goes on."""
    from catdog_exp.training.training_state import newest_epoch

    if not config.train.resume or config.if_exists == "new":
        return None
    return newest_epoch(Path(config.paths.outputs) / "unfinished" / plan.training)


def _aligned(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)
