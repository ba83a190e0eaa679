"""A sweep's jobs: what each of them is, how far it has come, and how it ended, as files that any process may read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from catdog_exp.errors import UserError
from catdog_exp.files import replacing
from catdog_exp.sweeps.passwords import hidden, restored
from catdog_exp.tracking.done_stages import is_done

JOBS = "jobs"  # the sweep's folder for its frozen jobs, a file each
SWEEP = "sweep.json"  # in the sweep's folder, what its jobs have in common
STOP = "stop"  # in the sweep's folder, once it is to end: why
PROGRESS = "progress.json"  # in a job's folder, replaced after each epoch
LOG = "run.log"  # in a job's folder: its log, and all that its process has written
OUTCOME = "outcome.json"  # in a job's folder, at its end

# finished: trained now. reused: a run that had finished before. pruned: given up early by a search.
# skipped: under way elsewhere. stopped: ended from outside, or not started since the sweep was ended.
Status = Literal["finished", "reused", "pruned", "failed", "skipped", "stopped"]


@dataclass(frozen=True)
class Sweep:
    """What all jobs of a sweep are to know. parent_run: MLflow's id, None where nothing is logged.

    at_once: how many jobs share a machine; None where a cluster shares its machines out by itself.
    fork_server: address of the one on the machine of the command, None where jobs run elsewhere.
    """

    parent_run: str | None
    at_once: int | None
    fork_server: str | None


@dataclass(frozen=True)
class TrialOf:
    """Which trial of a search a job does: its number in a study, in a file."""

    storage: str
    study: str
    number: int


@dataclass(frozen=True)
class Job:
    """One job of a sweep, as it was composed before the first one started.

    number: its place in the sweep, and the name of its folder. overrides: the words that it was composed with.
    differs: what it has other than other jobs of its sweep, by key. settings: the whole config.
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
    """How far a running job has come. value: the newest of the objective. seconds: since the job started.

    seconds_left: an estimate, None before the first epoch.
    """

    epoch: int
    epochs: int
    value: float
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
    objective: float | None
    run_id: str | None
    link: str
    seconds: float
    reason: str = ""

    @property
    def has_result(self) -> bool:
        """Whether the job is done as far as the sweep is concerned."""
        return self.status in ("finished", "reused", "pruned")


def write(path: Path, content: Sweep | Job | Progress | Outcome) -> None:
    """Put `content` at `path`, whole or not at all, and without passwords. Raises UserError when the system refuses."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(_plain(content), default=str), encoding="utf-8")


def _plain(content: Sweep | Job | Progress | Outcome) -> Any:
    return hidden(dataclasses.asdict(content))


def freeze(folder: Path, jobs: Sequence[Job]) -> None:
    """Write the jobs down in the sweep's folder, before the first one starts."""
    (folder / JOBS).mkdir(parents=True, exist_ok=True)
    for job in jobs:
        write(folder / JOBS / f"{job.number}.json", job)


def clear(folder: Path, jobs: Sequence[Job]) -> None:
    """Make a sweep's folder ready for these jobs: it is new, or these very jobs are to go on in it.

    Raises UserError where anything else is there.
    """
    there = {int(file.stem): file for file in (folder / JOBS).glob("*.json") if file.stem.isdecimal()}
    if folder.exists() and any(folder.iterdir()):
        told = {job.number: json.loads(json.dumps(_plain(job), default=str)) for job in jobs}
        if {number: json.loads(file.read_text(encoding="utf-8")) for number, file in there.items()} != told or not told:
            raise UserError(f"hydra.sweep.dir={folder}: there is something else in it, name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for old in (folder / STOP, *(folder / str(job.number) / OUTCOME for job in jobs)):
        old.unlink(missing_ok=True)


class KnownJobs:
    """The jobs of a sweep, each read once; a search adds to them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[int, Job] = {}

    def __call__(self) -> list[Job]:
        """All that there are by now, in order."""
        for file in (self._folder / JOBS).glob("*.json"):
            if int(file.stem) not in self._jobs:
                self._jobs[int(file.stem)] = frozen_job(self._folder, int(file.stem))
        return [self._jobs[number] for number in sorted(self._jobs)]


def frozen_job(folder: Path, number: int) -> Job:
    """The job with this number of the sweep in `folder`. Raises FileNotFoundError where there is none."""
    values = json.loads((folder / JOBS / f"{number}.json").read_text(encoding="utf-8"))
    trial, settings = values.pop("trial"), restored(values.pop("settings"))
    return Job(**values, settings=settings, trial=None if trial is None else TrialOf(**trial))


def sweep_in(folder: Path) -> Sweep:
    """What the jobs of the sweep in `folder` have in common."""
    return Sweep(**json.loads((folder / SWEEP).read_text(encoding="utf-8")))


def stopping(folder: Path) -> str | None:
    """Why the sweep in `folder` is to end, None while it is not."""
    file = folder / STOP
    return file.read_text(encoding="utf-8") if file.exists() else None


def outcome_of(folder: Path, job: Job) -> Outcome | None:
    """How the job ended, None while it has not."""
    return outcome_from(folder / str(job.number) / OUTCOME)


def outcome_from(file: Path) -> Outcome | None:
    """The outcome in a file, None where there is none."""
    return Outcome(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
