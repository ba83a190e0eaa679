"""Which runs used what."""

from __future__ import annotations

from catdog_exp.tracking.config import TrackingConfig
from catdog_exp.tracking.store import tagged_runs

PACK = "pack"  # the tag that holds the fingerprint of a run's pack


def runs_by_pack(config: TrackingConfig) -> dict[str, list[str]]:
    """The ids of the runs that used each pack, newest first, by the pack's fingerprint; of all experiments.

    Raises UserError when there is a store and it cannot be read.
    """
    used: dict[str, list[str]] = {}
    for run in tagged_runs(config, PACK):
        used.setdefault(run.data.tags[PACK], []).append(run.info.run_id)
    return used
