"""A finished run's network as the champion, where `tracking.promote` asks for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catdog_exp.console import say
from catdog_exp.errors import UserError
from catdog_exp.training.objective import is_minimized

if TYPE_CHECKING:
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.experiment.run import Result

log = logging.getLogger(__name__)


def promote_if_asked(config: RunConfig, result: Result) -> None:
    """Make the network of a run that has ended the champion of its experiment, where it is better than the present one.

    One line says which way it went. That the registry fails is a warning: the run itself is done.
    """
    if not config.tracking.promote or result.run_id is None or result.objective is None:
        return
    from catdog_exp.tracking.registry import promote
    from catdog_exp.tracking.store import existing_store

    try:
        store = existing_store(config.tracking)
        say(log, promote(store, result.run_id, store.experiment, is_minimized(config.objective)))
    except UserError as error:
        log.warning("not promoted: %s", error)
