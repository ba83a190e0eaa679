"""How far a training is: a bar while an epoch runs on a terminal, and a line in the log after each epoch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType

from catdog_exp.console import ProgressBar
from catdog_exp.training.objective import SPEED

log = logging.getLogger(__name__)


class EpochProgress:
    """Context manager for one epoch.

    epoch, epochs: which epoch of how many, counted from 1.
    pictures: how many the epoch trains on.
    """

    def __init__(self, epoch: int, epochs: int, pictures: int) -> None:
        self._title = f"epoch {epoch}/{epochs}"
        # It goes when the epoch is over: the line in the log takes its place.
        self._bar = ProgressBar(self._title, pictures, "images", leave=False)

    def step(self, pictures: int, loss: float, accuracy: float) -> None:
        """So many more pictures are trained on; loss and accuracy are the epoch's so far."""
        self._bar.advance(pictures, f"loss {loss:.3f} accuracy {accuracy:.3f}")

    def done(self, metrics: Mapping[str, float]) -> None:
        """The epoch is over, with these metrics."""
        text = (
            f"loss {metrics['train/loss']:.3f} accuracy {metrics['train/accuracy']:.3f}, "
            f"validation loss {metrics['val/loss']:.3f} accuracy {metrics['val/accuracy']:.3f}"
        )
        self._bar.close()
        log.info("%s: %s, %.0f images/s", self._title, text, metrics[SPEED])

    def __enter__(self) -> EpochProgress:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
