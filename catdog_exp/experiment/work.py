"""What the stages of one run have in common."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.experiment.config import RunConfig, Stage
from catdog_exp.experiment.plan import Plan
from catdog_exp.packs.plan import PackPlan
from catdog_exp.threads import threads_to_use
from catdog_exp.tracking.description import TIME
from catdog_exp.tracking.done_stages import stages_tag, with_stage

if TYPE_CHECKING:
    from catdog_exp.tracking.run_log import RunLog


@dataclass(frozen=True)
class Work:
    """One run under way.

    folder: its own. tracker: what it is logged to. done: stages by now, with their identities. figures: of the whole
    run that are not logged yet. moments: when it began, and when each of its stages ended.
    """

    config: RunConfig
    plan: Plan
    folder: Path
    tracker: RunLog
    done: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    moments: list[float] = field(default_factory=lambda: [time.monotonic()])

    @property
    def pack(self) -> PackPlan:
        """The plan of the run's pack, which it must have."""
        assert self.plan.pack is not None
        return self.plan.pack

    @property
    def threads(self) -> int:
        """How much is computed at once."""
        return threads_to_use(self.config.hardware.threads)

    def finish(self, stage: Stage) -> None:
        """Log that a stage is done: the same command does not do it again."""
        self.moments.append(time.monotonic())
        self.figures[f"{TIME}{stage}"] = self.moments[-1] - self.moments[-2]
        self.done.update(with_stage(self.done, stage, self.plan.identities[stage]))
        self.tracker.tags(stages_tag(self.done))

    def log_figures(self) -> None:
        """Log the figures that there are by now.

        MLflow compares runs by the metric that came first, so those of an epoch come before them; a run that is killed
        later is not to lose what only its first process knows, such as how fast it packed.
        """
        self.tracker.figures(self.figures)
        self.figures.clear()
