"""The runs that one may take a network from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.experiment.config import RunConfig
from catdog_exp.inference.trained_network import Runs, load_network

if TYPE_CHECKING:
    from catdog_exp.experiment.plan import Plan
    from catdog_exp.inference.classifier import Classifier
    from catdog_exp.tracking.run_lookup import Earlier

log = logging.getLogger(__name__)


def runs_of(config: RunConfig) -> Runs:
    """The runs that one with this config may take a network from."""
    return Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))


def earlier_network(config: RunConfig, plan: Plan, finished: Earlier | None) -> Classifier:
    """The network of the run whose training has finished, else of the run that the user names, else of the best one.

    Raises UserError where there is none.
    """
    wanted = finished.run_id if finished is not None else config.predict.run
    if wanted is not None:
        run = runs_of(config).find(wanted)
        log.info("network of run %s", run.described)
    else:
        run = runs_of(config).best(plan.pack.dataset if plan.pack else None, or_last=True)
    return load_network(run, config.hardware, type(config.model))
