"""Which stages of a run are done, and of what: a tag of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping

from catdog_exp.tracking.limits import HIDDEN

TAG = f"{HIDDEN}stages"  # JSON: by stage the identity of what was done
TRAIN, PREDICT = "train", "predict"
KEPT = 99  # predictions that are remembered, as many as a tag has room for


def stages_done(tags: Mapping[str, str]) -> dict[str, str]:
    """By stage, the identity of what it has done, or several with spaces between; none where the tags do not say."""
    try:
        found = json.loads(tags.get(TAG, "{}"))
    except ValueError:
        return {}  # anyone may edit tags
    return {str(stage): str(identity) for stage, identity in found.items()} if isinstance(found, dict) else {}


def stages_tag(done: Mapping[str, str]) -> dict[str, str]:
    """The tag that says that these stages are done, with the identities of what they did."""
    return {TAG: json.dumps(dict(done), sort_keys=True)}


def is_done(done: Mapping[str, str], stage: str, identity: str) -> bool:
    """Whether a stage has done what this identity stands for."""
    return identity in done.get(stage, "").split()


def with_stage(done: Mapping[str, str], stage: str, identity: str) -> dict[str, str]:
    """`done` and a stage that has just been done. Predictions of several folders stand beside each other."""
    before = done.get(stage, "").split()[-KEPT:] if stage == PREDICT else []
    return {**done, stage: " ".join([*(each for each in before if each != identity), identity])}


def is_trained(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a run with this status and these tags has a network: it finished, or its training did."""
    return status == "FINISHED" or TRAIN in stages_done(tags)
