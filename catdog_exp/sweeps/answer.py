"""A sweep that answers a question: which of its settings is the best, with as many seeds of each as that takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from omegaconf import DictConfig, OmegaConf
from pydantic import Field

from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.inference.comparison import EVALUATION
from catdog_exp.reading import read
from catdog_exp.sweeps.answer_race import FIRST_LOOK, Race, in_words
from catdog_exp.sweeps.jobs import Job, Jobs, Outcome
from catdog_exp.sweeps.planning import differences, plan
from catdog_exp.sweeps.words import described
from catdog_exp.tracking.record import table_rows, tags_and_file
from catdog_exp.tracking.run_lookup import STATES, Earlier, earlier_runs

SEED = "train.seed"
AHEAD = 1  # seeds that are begun though the answer may be sure without them: no core is to wait for the slowest job


@dataclass(frozen=True)
class AnswerConfig:
    """When an answer is sure. Keys: conf/hydra/sweeper/answer.yaml."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    margin: Annotated[float, Field(gt=0, lt=1)]
    minutes: Annotated[float, Field(gt=0)] | None
    params: dict[str, str] | None


class Answers(Jobs):
    """Jobs of each setting with one seed after the other, until the answer is sure or its time is up.

    Which seeds count depends on their order alone, not on which job ends first: the same command comes to the same
    answer. A seed that fails is left out; once a setting has more of these than results, no more jobs are begun.
    """

    def __init__(self, wanted: Sequence[tuple[list[str], dict[str, Any]]], chosen: AnswerConfig, folder: Path) -> None:
        """wanted: words and config of each setting, with its first seed. folder: the sweep's.

        Raises UserError for what is wrong with any of them.
        """
        super().__init__()
        self._wanted, self._chosen, self._folder = wanted, chosen, folder
        self._settings = [dict(job.differs) for job in plan(wanted)]
        self._of: list[list[Job]] = [[] for _ in wanted]  # of each setting, a job for each seed, begun or not
        self._right: dict[int, dict[str, bool]] = {}  # of each job with a result, by its number: by picture
        self._race = Race(len(wanted), chosen.confidence, chosen.margin)
        self._began = time.monotonic()
        self._common: RunConfig | None = None
        self._is_late = False
        self._plan(list(range(len(wanted))) * FIRST_LOOK)

    def planned(self) -> list[Job]:
        """The first seeds of each setting."""
        return self._unbegun()

    def reuse(self, common: RunConfig, earlier: Mapping[str, Earlier]) -> None:
        """Take the outcomes of runs that have finished already."""
        self._common = common
        known = Jobs(self._unbegun())
        known.reuse(common, earlier)
        for job in known.jobs:
            if job.number in known.outcomes:
                self.jobs.append(job)
                self.end(job, known.outcomes[job.number])

    def next(self) -> Job | None:
        """The next seed of a setting that needs one."""
        while wanted := self._going_on():
            for job in self._unbegun():
                if any(job in self._of[side] for side in wanted):
                    self.jobs.append(job)
                    return job
            if not (short := [side for side in wanted if self._is_short(side)]):
                return None
            self._plan(short)
        return None

    def end(self, job: Job, outcome: Outcome) -> None:
        """Note how a job has ended, and compare what has."""
        super().end(job, outcome)
        self._hear(job)

    def answer(self) -> str:
        """What came out, in a sentence."""
        for side, settings in enumerate(self._settings):
            if self._has_failed(side):
                name = " ".join(f"{key}={value}" for key, value in settings.items())
                return f"no answer: {name} fails; a setting is compared once most of its seeds have a result"
        return in_words(self._race, self._settings, self._chosen.confidence, time.monotonic() - self._began)

    def _going_on(self) -> list[int]:
        """The settings that are to have more seeds: none once the answer is sure, or cannot be had, or time is up."""
        if self._chosen.minutes is not None:
            took = [each.seconds for each in self.outcomes.values() if each.status == "finished"]
            usual = statistics.median(took) if took else 0.0
            self._is_late |= time.monotonic() - self._began + usual > self._chosen.minutes * 60
        if self._is_late or any(map(self._has_failed, range(len(self._of)))):
            return []
        return self._race.wanted()

    def _plan(self, sides: Sequence[int]) -> None:
        """Add a job for each of these settings, with its next seed."""
        words_and_settings, added = [], list[int]()
        for side in sides:
            words, settings = self._wanted[side]
            seed = settings["train"]["seed"] + len(self._of[side]) + added.count(side)
            added.append(side)
            changed = {**settings, "train": {**settings["train"], "seed": seed}}
            words_and_settings.append(([*words, f"{SEED}={seed}"], changed))
        for side, job in zip(sides, plan(words_and_settings, sum(map(len, self._of))), strict=True):
            differs = {**self._settings[side], SEED: job.settings["train"]["seed"]}
            self._of[side].append(replace(job, differs=differs))
        if self._common is not None:
            known = [job.fingerprint for job in self._unbegun() if job.fingerprint]
            self.reuse(self._common, earlier_runs(self._common.tracking, known, STATES))

    def _unbegun(self) -> list[Job]:
        """The jobs that are not begun, in their order."""
        begun = {job.number for job in self.jobs}
        return sorted((job for jobs in self._of for job in jobs if job.number not in begun), key=lambda job: job.number)

    def _is_short(self, side: int) -> bool:
        """Whether a setting has too few seeds under way for what may be asked of it next."""
        failed = sum(self._is_failed(job) for job in self._of[side])
        return len(self._of[side]) - failed < self._race.seeds[side] + 1 + AHEAD

    def _is_failed(self, job: Job) -> bool:
        outcome = self.outcomes.get(job.number)
        return outcome is not None and not outcome.has_result and outcome.status != "stopped"

    def _has_failed(self, side: int) -> bool:
        failed = sum(self._is_failed(job) for job in self._of[side])
        return failed > sum(job.number in self._right for job in self._of[side])

    def _hear(self, job: Job) -> None:
        """Take what a job's network was right on, and compare as far as all settings have come."""
        outcome = self.outcomes[job.number]
        if outcome.status == "stopped":
            return
        if outcome.has_result:
            self._right[job.number] = {row["sha256"]: row["right"] for row in table_rows(self._table(job, outcome))}
        while wanted := self._race.wanted():
            seeds = self._race.seeds[wanted[0]] + 1
            there = {side: self._results(side)[:seeds] for side in wanted}
            if min(map(len, there.values())) < seeds:
                return
            pictures = sorted(set.intersection(*(set(right) for each in there.values() for right in each)))
            if len(pictures) < 2:
                raise UserError(f"{described(job)}: it was judged on other pictures than other settings were")
            self._race.look(
                {side: np.array([[right[name] for name in pictures] for right in there[side]]) for side in wanted}
            )

    def _results(self, side: int) -> list[Mapping[str, bool]]:
        """What the networks of a setting were right on, by seed, up to the first that is still to end."""
        ended: list[Mapping[str, bool]] = []
        for job in self._of[side]:
            if job.number not in self.outcomes or self.outcomes[job.number].status == "stopped":
                break
            if job.number in self._right:
                ended.append(self._right[job.number])
        return ended

    def _table(self, job: Job, outcome: Outcome) -> Path:
        """The file with a row for each validation picture. Raises UserError where it cannot be had."""
        own = self._folder / str(job.number) / EVALUATION
        if outcome.status == "finished" and own.is_file():
            return own
        assert self._common is not None
        if outcome.run_id is None:
            raise UserError(f"{described(job)}: there is no {EVALUATION} of it to compare")
        downloads = Path(self._common.paths.outputs) / "downloads"
        return tags_and_file(self._common.tracking, outcome.run_id, EVALUATION, downloads)[1]


def question(config: DictConfig, wanted: Sequence[tuple[list[str], dict[str, Any]]]) -> AnswerConfig:
    """How sure the answer is to be that a sweep with this config gives, to which of the `wanted` settings is the best.

    Raises UserError for a setting of hydra.sweeper that cannot be, and for what cannot be compared.
    """
    if len(wanted) < 2:
        raise UserError("there is nothing to compare: give a key several values, as in model.layers=2,3")
    if any(SEED in each for each in differences([words for words, _ in wanted])):
        raise UserError(f"{SEED}: an answer adds the seeds by itself; give it one value, the first, or none")
    for settings in (settings for _, settings in wanted if not {"train", "evaluate"} <= set(settings["stages"])):
        raise UserError(f"stages={settings['stages']}: an answer needs the stages train and evaluate")
    values = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    assert isinstance(values, dict)
    return read(AnswerConfig, {str(key): value for key, value in values.items() if key != "_target_"}, "hydra.sweeper")
