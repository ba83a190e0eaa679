"""A sweep's jobs: what each of them is, how far it has come, and how it ended."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from catdog_exp.experiment.config import RunConfig
from catdog_exp.files import replacing
from catdog_exp.sweeps.passwords import hidden
from catdog_exp.tracking.done_stages import is_done
from catdog_exp.tracking.run_lookup import Earlier
from catdog_exp.tracking.steering import STOP

PROGRESS = "progress.json"  # in a job's folder, replaced at each of its phases and epochs
LOG = "run.log"  # in a job's folder: its log, and all that its process has written
NODE = "node"  # in a job's folder, once it has begun on a cluster: the machine
RESULT = "result.json"  # in a job's folder, at its process's end: the outcome, as far as that can tell

# finished: trained now. reused: a run that had finished before. pruned: given up early by a search.
# skipped: under way elsewhere. stopped: ended from outside, or not started since the sweep was ended.
Status = Literal["finished", "reused", "pruned", "failed", "skipped", "stopped"]


@dataclass(frozen=True)
class TrialOf:
    """Which trial of a search a job does: its number in a study, in a file."""

    storage: str
    study: str
    number: int


@dataclass(frozen=True)
class Job:
    """One job of a sweep, as it was composed before it started.

    number: its place in the sweep, and the name of its folder. overrides: the words that it was composed with.
    differs: what it has other than other jobs of its sweep, by key. settings: the whole config, without passwords.
    fingerprint: identity of its training, "" where it trains nothing. identities, inputs: of its plan, where that was
    known before it started. trial: of a search, None in a grid.
    """

    number: int
    overrides: list[str]
    differs: dict[str, Any]
    settings: dict[str, Any]
    fingerprint: str
    identities: Mapping[str, str] = field(default_factory=dict)
    inputs: str | None = None
    trial: TrialOf | None = None

    def is_done(self, done: Mapping[str, str]) -> bool:
        """Whether a run that has done these stages, with these identities, leaves nothing of the job to be done."""
        return all(is_done(done, stage, identity) for stage, identity in self.identities.items())


@dataclass(frozen=True)
class Progress:
    """How far a running job has come.

    phase: what it does, such as `packing`. epoch: how many of its `epochs` are done. value: the newest of the
    objective, None before the first epoch. seconds: since the job started. seconds_left: an estimate, None before the
    first epoch.
    """

    phase: str
    epoch: int
    epochs: int
    value: float | None
    seconds: float
    seconds_left: float | None


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    objective: its best value, None where it has none. run_id: MLflow's, None where nothing was logged.
    link: one line or address to look at the run. seconds: that this job took, of a reused one what its run took.
    reason: one line, of what did not finish.
    """

    status: Status
    objective: float | None = None
    run_id: str | None = None
    link: str = ""
    seconds: float = 0.0
    reason: str = ""

    @property
    def has_result(self) -> bool:
        """Whether the job is done as far as the sweep is concerned."""
        return self.status in ("finished", "reused", "pruned")


def write(path: Path, content: Progress | Outcome) -> None:
    """Put `content` at `path`, whole or not at all, and without passwords. Raises UserError when the system refuses."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(hidden(dataclasses.asdict(content)), default=str), encoding="utf-8")


def outcome_from(file: Path) -> Outcome | None:
    """The outcome in a file, None where there is none."""
    return Outcome(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def mark_node(folder: Path) -> None:
    """Say in a job's folder that it is on this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NODE).write_text(socket.gethostname(), encoding="utf-8")


def stopping(sweep: Path) -> str | None:
    """Why the sweep in the folder `sweep` is to end, None while it is not."""
    file = sweep / STOP
    return file.read_text(encoding="utf-8") if file.exists() else None


class Jobs:
    """The jobs of a grid. jobs: all of them, those that were launched before included. outcomes: by number.

    trials: how many a search is to have, None for a grid.
    """

    trials: int | None = None

    def __init__(self, jobs: Sequence[Job] = (), before: Jobs | None = None) -> None:
        self.jobs: list[Job] = [*(before.jobs if before else ()), *jobs]
        self.outcomes: dict[int, Outcome] = dict(before.outcomes) if before else {}
        self._waiting = iter(jobs)

    def planned(self) -> Sequence[Job]:
        """Those whose runs may have finished already."""
        return self.jobs

    def reuse(self, common: RunConfig, earlier: Mapping[str, Earlier]) -> None:
        """Take the outcomes of runs that have finished already. earlier: those of the jobs, by fingerprint."""
        if common.if_exists not in ("reuse", "skip"):
            return
        for job in self.jobs:
            run = earlier.get(job.fingerprint)
            if run is not None and run.state == "finished" and job.is_done(run.done):
                self.outcomes[job.number] = Outcome("reused", run.objective, run.run_id, run.link, run.seconds)

    def next(self) -> Job | None:
        """The next one to be started; None where there is none, for now."""
        return next((job for job in self._waiting if job.number not in self.outcomes), None)

    def are_done(self) -> bool:
        """Whether it is known that there will be no next one, without asking for that."""
        return self.trials is None and len(self.outcomes) == len(self.jobs)

    def end(self, job: Job, outcome: Outcome) -> None:
        """Note how a job has ended."""
        self.outcomes[job.number] = outcome

    def answer(self) -> str:
        """The sentence that the sweep was for, "" where it was for its jobs."""
        return ""

    def pictures(self, folder: Path) -> list[Path]:  # noqa: ARG002
        """Draw what there is to see of all jobs together into `folder`, and return the files."""
        return []

    def conclusion(self) -> list[str]:
        """What there is to say of all jobs together."""
        return []
