"""The metrics of an epoch, and which of two values is the better one."""

from __future__ import annotations

from collections.abc import Sequence

from catdog_exp.errors import UserError

SPEED = "images_per_second"
OBJECTIVES = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/balanced_accuracy")
EPOCH_METRICS = (*OBJECTIVES, "lr", SPEED)


def check_objective(objective: str) -> None:
    """Raise UserError when `objective` is not one of the metrics of an epoch that tell how good it is."""
    if objective not in OBJECTIVES:
        raise UserError(f"objective={objective}: must be one of {', '.join(OBJECTIVES)}")


def is_minimized(metric: str) -> bool:
    """Whether less of it is better: so with names that end in `loss`."""
    return metric.endswith("loss")


def is_better(metric: str, value: float, than: float | None) -> bool:
    """Whether `value` of `metric` is better than the best so far; any value is better than None."""
    if than is None:
        return True
    return value < than if is_minimized(metric) else value > than


def balanced_accuracy(hits: Sequence[int], pictures: Sequence[int]) -> float:
    """Mean recall: over classes with pictures, the mean share of each one's pictures that is called so, 0..1.

    hits, pictures: counts by true class. At least one class has pictures.
    """
    recalls = [right / count for right, count in zip(hits, pictures, strict=True) if count]
    return sum(recalls) / len(recalls)
