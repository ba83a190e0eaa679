"""What all workers of a training start from: the state that worker 0 has."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from catdog_exp.reading import read
from catdog_exp.training.distributed.process_group import ProcessGroup
from catdog_exp.training.training_state import Counters, State, earlier_state
from catdog_exp.training.updater import Updater


def state_to_go_on_from(folder: Path, workers: ProcessGroup, updater: Updater) -> State | None:
    """What worker 0 has to go on from in `folder`; without that None, and all take its first weights."""
    state = earlier_state(folder) if workers.rank == 0 else None
    if workers.count == 1:
        return state
    counters = workers.told(None if state is None else asdict(state.counters))
    own = updater.arrays()  # in all workers, since they exchange their parts of it
    arrays = workers.arrays(own if state is None else state.arrays)
    if counters is not None:
        return State(read(Counters, counters, targets=()), arrays)
    updater.restore(arrays, 0)
    return None
