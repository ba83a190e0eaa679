"""Where the time of a training step goes: by its parts, and by MXNet's operators."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catdog_exp.mx import mx
from catdog_exp.training.trials import trial

if TYPE_CHECKING:
    from catdog_exp.training.trainer import Trainer

WARM_UP, STEPS = 3, 10
PARTS = ("waiting for pictures", "forward and backward", "adding gradients up", "changing weights")
_BACKWARD = "_backward_"
_WAITING = ("WaitForVar", "DeleteVariable")  # no work of an operator's


@dataclass(frozen=True)
class StepProfile:
    """Means over some steps, in milliseconds.

    pictures: of a step, on this machine. parts: how long each of `PARTS` takes where none begins before the one
    before has ended. step: how long a step takes as they overlap in training. validation: of all pictures.
    operators: forward and backward time of each of MXNet's, of all cores together, the longest first.
    """

    pictures: int
    parts: dict[str, float]
    step: float
    validation: float
    operators: dict[str, tuple[float, float]]

    @property
    def line(self) -> str:
        """The profile in one line."""
        whole, work = sum(self.parts.values()), sum(map(sum, self.operators.values()))
        shares = ", ".join(f"{part} {100 * took / whole:.0f} %" for part, took in self.parts.items())
        first, took = next(iter(self.operators.items()))
        return (
            f"a step of {self.pictures} pictures takes {self.step:.3g} ms: {shares}; "
            f"{first} is {100 * sum(took) / work:.0f} % of the work; a validation takes {self.validation:.3g} ms"
        )


def profile_steps(trainer: Trainer) -> StepProfile:
    """The profile of a training's steps, before the first of them; it leaves no trace in the training."""
    rate, pictures = 1e-9, 0
    marks: list[list[float]] = []

    with trial(trainer) as batches:

        def step(*, each_part: bool) -> None:
            nonlocal pictures
            wait = mx.nd.waitall if each_part else lambda: None
            moments = [time.perf_counter()]
            crops, targets = next(batches)
            moments.append(time.perf_counter())
            trainer.replicas.gradients(crops, targets)
            wait()
            moments.append(time.perf_counter())
            trainer.updater.add()
            wait()
            moments.append(time.perf_counter())
            trainer.updater.step(rate, len(crops))
            wait()
            moments.append(time.perf_counter())
            pictures = len(crops)
            marks.append(moments)

        def steps(count: int, *, each_part: bool = False) -> float:
            """Milliseconds of each."""
            began = time.perf_counter()
            for _ in range(count):
                step(each_part=each_part)
            mx.nd.waitall()
            return 1000 * (time.perf_counter() - began) / count

        steps(WARM_UP)
        whole = steps(STEPS)
        marks.clear()
        steps(STEPS, each_part=True)
        parts = {
            part: 1000 * sum(moments[number + 1] - moments[number] for moments in marks) / STEPS
            for number, part in enumerate(PARTS)
        }
        operators = _operators(trainer, steps)
    trainer.validate(0)
    began = time.perf_counter()
    trainer.validate(0)
    return StepProfile(pictures, parts, whole, 1000 * (time.perf_counter() - began), operators)


def _operators(trainer: Trainer, steps: Any) -> dict[str, tuple[float, float]]:
    """As `StepProfile.operators`. MXNet's profiler sees an operator where it is run by itself, not within a graph."""
    block, loss = trainer.replicas.block, trainer.replicas.loss
    for each in (block, loss):
        each.hybridize(static_alloc=True, static_shape=False)
    with mx.engine.bulk(1):
        steps(WARM_UP)
        mx.profiler.set_config(profile_imperative=True, profile_symbolic=True, aggregate_stats=True)
        mx.profiler.set_state("run")
        steps(STEPS)
        mx.profiler.set_state("stop")
    for each in (block, loss):
        each.hybridize(static_alloc=True, static_shape=True)
    found = json.loads(mx.profiler.dumps(reset=True, format="json"))["Time"]["operator"]
    took: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, counted in found.items():
        if name not in _WAITING:
            plain = name.removeprefix(_BACKWARD).removeprefix("_contrib_").removeprefix("contrib_").removeprefix("_")
            took[plain][name.startswith(_BACKWARD)] += counted["Total"] / STEPS
    ordered = sorted(took.items(), key=lambda item: -sum(item[1]))
    return {name: (forward, backward) for name, (forward, backward) in ordered}
