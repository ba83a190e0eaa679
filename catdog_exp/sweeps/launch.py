"""A sweep from its first word to its last: all jobs checked, its run at the tracking server, the jobs, the summary."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from catdog_exp.console import say
from catdog_exp.errors import IncompleteSweep, UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.experiment.naming import sweep_name
from catdog_exp.experiment.parameters import parameters
from catdog_exp.files import replacing
from catdog_exp.reading import read
from catdog_exp.sweeps.attempts import Attempts, start_server
from catdog_exp.sweeps.composed import composed, plain
from catdog_exp.sweeps.dry_run import planned_jobs
from catdog_exp.sweeps.elsewhere import LOOK_EVERY, Elsewhere, Places
from catdog_exp.sweeps.jobs import Job, Jobs, Outcome, stopping
from catdog_exp.sweeps.live import live_view
from catdog_exp.sweeps.note import sweep_note
from catdog_exp.sweeps.passwords import restored
from catdog_exp.sweeps.places import places
from catdog_exp.sweeps.planning import plan, sweep_fingerprint
from catdog_exp.sweeps.results import best_job
from catdog_exp.sweeps.stopping import signals_noted
from catdog_exp.sweeps.summary import BEST, figures, run_again, spreads_of, summarize
from catdog_exp.sweeps.table import job_table
from catdog_exp.tracking.run import start_run
from catdog_exp.tracking.run_log import RunLog
from catdog_exp.tracking.run_lookup import STATES, SWEEP_FINGERPRINT
from catdog_exp.tracking.sender import Sender
from catdog_exp.tracking.sender_process import SenderProcess
from catdog_exp.tracking.steering import FOLDER, PAUSE, STOP, WISH
from catdog_exp.tracking.uris import without_password
from catdog_exp.training.objective import is_minimized

WORDS = "words.txt"  # in the sweep's folder: those of its command
log = logging.getLogger(__name__)


def launch(
    config: DictConfig,
    loader: ConfigLoader,
    where: str,
    settings: Mapping[str, Any],
    words: Sequence[list[str]],
    before: Jobs,
    process: SenderProcess | None,
) -> Jobs:
    """Run the jobs with these words; of a search, all trials that have these words in common.

    config, loader: of the sweep. where, settings: of the launcher. before: what the sweep has launched already.
    process: for its tracking, where that is started already.
    With `sweep.dry_run` it prints the plan alone. The same command again goes on in the same parent run.
    Raises UserError for what is wrong with any job, before anything but its pictures is made; IncompleteSweep when a
    job has no result; what a signal raises.
    """
    folder = Path(config.hydra.sweep.dir).absolute()
    sweeper = str(config.hydra.sweeper._target_).rpartition(".")[2]
    # What a search tries is in none of its words' configs.
    configs = map(restored, [plain(config)] if sweeper == "Search" else composed(config, loader, words))
    # Of the first job: what a sweep varies may be what no run can do without.
    first = next(configs)
    common = read(RunConfig, first)
    if common.sweep.dry_run or common.plan:
        if sweeper != "Grid":
            raise UserError(
                "sweep.dry_run=true: this sweep chooses its jobs as it goes, none is known before it starts"
            )
        print(planned_jobs(common, list(zip(words, [first, *configs], strict=True)), where, settings))
        return before
    with closing(Sender(common.tracking, process)) if common.tracking.enabled else nullcontext() as sender:
        wanted = list(zip(words, [first, *configs], strict=True))
        if sweeper == "Answer":
            from catdog_exp.sweeps.answer import Answers, question

            asked = question(config, wanted)
        own = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        own += config.hydra.overrides.task
        if where in ("local", "basic") and not _parent_lock(common, own).exists():
            start_server()  # it gets ready, as the sender does, while the jobs are checked
        if sweeper == "Search":
            from catdog_exp.sweeps.search import trials

            jobs: Jobs = trials(config, loader, words[0])
        elif sweeper == "Answer":
            jobs = Answers(wanted, asked, folder)
        else:
            jobs = Jobs(plan(wanted, len(before.jobs)), before)
        _take(folder, without_password("\n".join(own)))
        hardware = [read(RunConfig, settings).hardware for _, settings in wanted]
        place = places(where, settings, common.sweep.jobs, hardware, ahead=jobs.trials is None)
        OmegaConf.save(config, folder / "multirun.yaml")
        import matplotlib.backends.backend_agg  # noqa: F401  of the summary: others get ready meanwhile

        known = [job.fingerprint for job in jobs.planned() if job.fingerprint]
        outputs = Path(common.paths.outputs)
        jobs.reuse(common, {} if sender is None else sender.earlier_runs(outputs, known, STATES))
        parsed = OverridesParser.create().parse_overrides(own)
        swept = [each.get_key_element() for each in parsed if each.is_sweep_override()]
        count = None if sweeper == "Answer" else jobs.trials or len(jobs.jobs)
        with _parent(common, folder, own, sweep_name(swept, count), sender) as parent:
            with signals_noted() as came:
                try:
                    _run(jobs, place, folder, parent.run_id, common, came)
                finally:
                    lacking = _summary(folder, parent, own, jobs, common.objective)
                    parent.finish_children()
                    best = best_job(jobs.jobs, jobs.outcomes, is_minimized(common.objective))
                    if best is not None and (run_id := jobs.outcomes[best.number].run_id) is not None:
                        parent.mark_best(run_id)
                        if not lacking:
                            parent.params({**best.settings["chosen"], **parameters(best.settings)})
            if lacking:
                raise IncompleteSweep(lacking)
    return jobs


def _take(folder: Path, words: str) -> None:
    """Make the sweep's folder ready: it is new, or the same words are to go on in it.

    Raises UserError where there is anything else in it.
    """
    mark = folder / WORDS
    if folder.exists() and any(folder.iterdir()) and not (mark.is_file() and mark.read_text("utf-8") == words):
        raise UserError(f"hydra.sweep.dir={folder}: there is something else in it, name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for steered in (STOP, PAUSE):
        (folder / steered).unlink(missing_ok=True)
    with replacing(mark) as aside:
        aside.write_text(words, encoding="utf-8")


def _run(jobs: Jobs, place: Places, folder: Path, parent_run: str | None, common: RunConfig, came: list[str]) -> None:
    """Run all jobs, as many at once as there are places, until the last has ended; no more are begun after a signal."""
    running: dict[int, tuple[Job, Attempts | Elsewhere]] = {}  # by the number of their place
    why, was_paused = "", False
    with live_view(folder, common.objective, jobs.trials) as show:
        try:
            while True:
                if (is_paused := (folder / PAUSE).exists()) != was_paused:
                    log.info("paused: no new job begins" if is_paused else "no longer paused")
                was_paused = is_paused
                for number in range(0 if why or is_paused else place.at_once()):
                    if number not in running and (job := jobs.next()) is not None:
                        hardware = read(RunConfig, job.settings).hardware
                        running[number] = job, place.start(folder, parent_run, job, hardware, number)
                begun = [job for job, each in running.values() if isinstance(each, Attempts) or each.has_begun()]
                show(jobs.jobs, jobs.outcomes, begun)
                if not running and (why or not is_paused or jobs.are_done()):
                    break
                time.sleep(LOOK_EVERY)
                if not (came or why) and (asked := stopping(folder)) is not None:
                    came.append(asked)
                if came and not why:
                    why = _stop(folder, came[0])
                    log.info("%s: the jobs are told to end; once more kills them", why)
                for number, (job, each) in list(running.items()):
                    if len(came) > 1:
                        each.kill()
                    elif why and isinstance(each, Elsewhere) and not each.has_begun():
                        each.withdraw(why)
                    if (outcome := each.poll()) is not None:
                        del running[number]
                        jobs.end(job, outcome)
                        if outcome.status == "failed" and common.sweep.fail_fast and not why:
                            why = _stop(folder, f"job {job.number} has failed, and sweep.fail_fast=true")
            for job in jobs.jobs:
                jobs.outcomes.setdefault(job.number, Outcome("stopped", reason=f"not begun: {why}"))
            show(jobs.jobs, jobs.outcomes, [])
        finally:
            for _, each in running.values():
                each.kill()


def _stop(folder: Path, why: str) -> str:
    (folder / STOP).write_text(why, encoding="utf-8")
    return why


@contextmanager
def _parent(
    common: RunConfig, folder: Path, words: Sequence[str], name: str, sender: Sender | None
) -> Iterator[RunLog]:
    """The sweep's own run: the one that the same words had before, of two at once the same for both."""
    from filelock import FileLock

    fingerprint = sweep_fingerprint(words)
    tags = {"sweep": without_password(" ".join(words)), SWEEP_FINGERPRINT: fingerprint}
    tags |= {FOLDER: str(folder), WISH: "go"}
    lock = _parent_lock(common, words)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with FileLock(lock):
            earlier = None if sender is None else sender.find_parent(fingerprint)
            outputs = Path(common.paths.outputs)
            parent = stack.enter_context(start_run(common.tracking, outputs, name, tags, earlier, sender))
        yield parent


def _parent_lock(common: RunConfig, words: Sequence[str]) -> Path:
    """Held while the run of a sweep with these words is looked for or made; once that is done, it stays."""
    return Path(common.paths.outputs) / "unfinished" / f"{sweep_fingerprint(words)}.lock"


def _summary(folder: Path, parent: RunLog, words: Sequence[str], jobs: Jobs, objective: str) -> str:
    """Shows and logs how all jobs ended. words: of the sweep's command.

    Returns a line about those without a result, empty where all have one.
    """
    all_jobs, outcomes = jobs.jobs, jobs.outcomes
    spreads = spreads_of(all_jobs, outcomes)
    together = [*(each.line(objective) for each in spreads), *jobs.conclusion()]
    answer = jobs.answer()
    say(log, "\n".join([job_table(all_jobs, outcomes, objective), *together, *([answer] if answer else [])]))
    say(log, f"sweep: {folder}; MLflow: {parent.link}")
    # The store takes longest for these: it is at them while the pictures are drawn.
    parent.figures(figures(all_jobs, outcomes, objective, spreads))
    reused = [each.run_id for each in outcomes.values() if each.status == "reused" and each.run_id is not None]
    parent.share({}, is_minimized(objective), jobs=True, also=reused)
    if parent.run_id is not None:
        note = sweep_note(parent.run_id, words, all_jobs, outcomes, objective, together, answer)
        parent.note(note, is_minimized(objective))
    parent.hurry()
    files = summarize(folder, all_jobs, outcomes, objective, is_minimized(objective))
    if folder / BEST in files:
        say(log, f"the best one's settings, to be run with others: {run_again(folder)} KEY=VALUE")
    for file in [*files, *jobs.pictures(folder)]:
        parent.artifact(file)
    lacking = sum(job.number not in outcomes or not outcomes[job.number].has_result for job in all_jobs)
    return f"{lacking} of {len(all_jobs)} jobs have no result; the same command runs those alone" if lacking else ""
