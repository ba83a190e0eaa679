"""The runs that a command's words name, in the store that its settings name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.app.compose import run_config
from catdog_exp.errors import UserError

if TYPE_CHECKING:
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.tracking.record import Record
    from catdog_exp.tracking.store import Store


class Selected:
    """The store that `overrides` name, and runs in it. config: what the overrides come to."""

    def __init__(self, command: str, overrides: Sequence[str]) -> None:
        from catdog_exp.tracking.store import existing_store

        self.config: RunConfig = run_config(overrides)
        if not self.config.tracking.enabled:
            raise UserError(f"{command}: tracking.enabled=false keeps no runs; leave that out")
        self.store: Store = existing_store(self.config.tracking)
        self.downloads = Path(self.config.paths.outputs) / "downloads"

    def record(self, word: str) -> Record:
        """The run that `word` names, as MLflow has it. Raises UserError where none, or more than one, is called so."""
        from catdog_exp.tracking.record import read_record
        from catdog_exp.tracking.selecting import select
        from catdog_exp.training.objective import is_minimized

        run = select(self.store, word, self.config.objective, is_minimized(self.config.objective))
        return read_record(self.store, run, self.downloads)
