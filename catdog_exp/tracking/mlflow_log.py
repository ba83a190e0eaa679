"""A run at MLflow, as the sender of its journal writes it there."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_exp.errors import UserError
from catdog_exp.tracking.done_stages import is_trained
from catdog_exp.tracking.ending import Status
from catdog_exp.tracking.heartbeat import HEARTBEAT, resumption_tags
from catdog_exp.tracking.limits import BATCH, ERROR_LENGTH, METRICS, PARAM_LENGTH, TAG_LENGTH, cut
from catdog_exp.tracking.run_files import KEPT_IN
from catdog_exp.tracking.run_log import CONTEXT, PARENT, PRUNED, SWEEP, Context, RunLog
from catdog_exp.tracking.steering import FOLDER, WISH
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import is_final, plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, Run, RunTag

log = logging.getLogger(__name__)


def create_run(store: Store, name: str, tags: Mapping[str, str]) -> Run:
    """A new run in `store`. Raises UserError when the store fails."""
    with plain_errors(store.shown):
        return store.client.create_run(store.experiment_id, tags=_cut_tags(tags), run_name=name)


def take_over(store: Store, run_id: str, tags: Mapping[str, str], presence: Mapping[str, str]) -> Run:
    """Open an earlier run again, as that of the process with these tags, without what was said of its end.

    Raises UserError when the store fails.
    """
    from mlflow.entities import RunTag

    with plain_errors(store.shown):
        run = store.client.get_run(run_id)
        # One that another program has made lacks them; another attempt's own stay.
        new = {key: value for key, value in _cut_tags(tags).items() if key not in run.data.tags}
        new |= resumption_tags(run, presence)
        # The sweep of now, in place of the one that was interrupted.
        new |= {key: tags[key] for key in (PARENT, FOLDER, WISH) if key in tags}
        # The tags first: RUNNING with those of a dead process, another command would take it over too.
        store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in new.items()])
        for tag in ("error", PRUNED):
            if tag in run.data.tags:
                store.client.delete_tag(run_id, tag)
        store.client.update_run(run_id, "RUNNING")
    if HEARTBEAT in run.data.tags and SWEEP not in run.data.tags and not is_trained(run.info.status, run.data.tags):
        log.info("going on with run %s, that was interrupted", run_id[:8])
    return run


class MlflowLog(RunLog):
    """Carries out at MLflow what a run has to log: the sender's, not the run's. What the run has is not logged twice.

    now: time of the call that is carried out, in ms since the epoch.
    """

    def __init__(self, store: Store, run: Run) -> None:
        self._store = store
        self._client = store.client
        self._params = set(run.data.params)
        self._logged = self._logged_metrics(run)
        self._id: str = run.info.run_id
        self.run_id = self._id
        self.link = store.link(self._id, jobs=SWEEP in run.data.tags)
        self.now = time.time_ns() // 1_000_000

    def params(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        new = {key: value for key, value in values.items() if key not in self._params}
        params = [Param(key, cut(_text(value), PARAM_LENGTH)) for key, value in new.items()]
        for start in range(0, len(params), BATCH):
            self._batch(params=params[start : start + BATCH])

    def metrics(self, values: Mapping[str, float], step: int, figures: Mapping[str, float] | None = None) -> None:
        self.metrics_of([(values, step, figures or {}, self.now)])

    def metrics_of(self, steps: Sequence[tuple[Mapping[str, float], int, Mapping[str, float], int]]) -> None:
        """As `metrics` for several steps, in few calls. steps: of each the values, number, figures and time."""
        from mlflow.entities import Metric

        metrics: list[Metric] = []
        for values, step, figures, time_logged in steps:
            new = {key: float(value) for key, value in values.items() if (key, step) not in self._logged}
            if new:
                metrics += [Metric(key, float(value), time_logged, 0) for key, value in figures.items()]
                metrics += [Metric(key, value, time_logged, step) for key, value in new.items()]
        self._points(metrics)

    def figures(self, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            if self._logged.get((key, 0)) != float(value):
                self._logged.pop((key, 0), None)
        self.metrics(values, 0)

    def samples(self, samples: Sequence[tuple[float, Mapping[str, float]]]) -> None:
        from mlflow.entities import Metric

        self._points(
            [
                Metric(key, value, int(1000 * taken), int(taken))  # no two steps of a run that goes on are alike
                for taken, values in samples
                for key, value in values.items()
            ]
        )

    def tags(self, values: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._batch(tags=[RunTag(key, value) for key, value in _cut_tags(values).items()])

    def artifact(self, path: Path, folder: str = "") -> None:
        with plain_errors(self._store.shown):
            self._client.log_artifact(self._id, str(path), folder or None)

    def keep_in_place(self, path: Path, folder: str = "") -> None:
        """Let the run tell where a file is that the store has not taken."""
        name = Path(folder, path.name)
        if path.parts[-len(name.parts) :] == name.parts:  # it can be found there by the artifact's name
            self.tags({KEPT_IN: str(path.parents[len(name.parts) - 1])})

    def model(self, folder: Path, name: str, step: int) -> None:
        from catdog_exp.tracking.logged_model import log_model

        with plain_errors(self._store.shown):
            log_model(self._store, self._id, name, folder, step)

    def image(self, path: Path, key: str, step: int) -> None:
        from catdog_exp.tracking.images import log_image

        with plain_errors(self._store.shown):
            log_image(self._store, self._id, path, key, step)

    def describe(self, words: Sequence[str], minimize: bool) -> None:
        from catdog_exp.tracking.description import describe_experiment, describe_run

        with self._shared("description"):
            run = describe_run(self._store, self._id, words, minimize)
            if PARENT not in run.data.tags:  # of a sweep's jobs, the sweep does it
                describe_experiment(self._store, minimize)

    def note(self, text: str, minimize: bool) -> None:
        from catdog_exp.tracking.description import describe_experiment, write_note

        with self._shared("description"):
            write_note(self._store, self._id, text)
            describe_experiment(self._store, minimize)

    def dataset(self, name: str, digest: str, source: str, context: Context, profile: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag
        from mlflow.exceptions import MlflowException

        read = Dataset(
            # MLflow tells inputs apart by name and digest alone: one pack, read twice, needs two names.
            name=f"{name}/{context}",
            digest=digest,
            source_type="local",
            source=json.dumps({"uri": source}),
            profile=json.dumps(profile),
        )
        entries = [DatasetInput(read, [InputTag(CONTEXT, context)])]
        with plain_errors(self._store.shown):
            try:
                self._client.log_inputs(self._id, entries)
            except MlflowException as error:
                # Another run has logged the same dataset between MLflow's look and its insertion: it is there now.
                if error.error_code != "BAD_REQUEST":  # as it calls what any database refuses
                    raise
                self._client.log_inputs(self._id, entries)

    def share(
        self, settings: Mapping[str, Any], minimize: bool, *, jobs: bool = False, also: Sequence[str] = ()
    ) -> None:
        from catdog_exp.tracking.view import keep_view

        with self._shared("view"):
            keep_view(self._store, settings, minimize, self._id if jobs else "", also)

    @contextmanager
    def _shared(self, what: str) -> Iterator[None]:
        """Not everyone who may log runs may change an experiment."""
        try:
            with plain_errors(self._store.shown):
                yield
        except UserError as error:
            if not is_final(error):
                raise
            log.warning("the experiment's %s is not kept up: %s", what, error)

    def finish_children(self) -> None:
        from catdog_exp.tracking.children import finish_children

        finish_children(self._store, self._id)

    def mark_best(self, run_id: str) -> None:
        from catdog_exp.tracking.children import mark_best

        mark_best(self._store, self._id, run_id)

    def end(self, status: Status, reason: str | None = None, report: str | None = None) -> None:
        """Give the run its last status. reason: of a failure, one line. report: the text of `error.txt`."""
        with plain_errors(self._store.shown):
            self._client.set_terminated(self._id, status, self.now)
            if reason is not None:
                self._client.set_tag(self._id, "error", cut(reason, ERROR_LENGTH))
            if report is not None:
                self._client.log_text(self._id, report, "error.txt")

    def _logged_metrics(self, run: Run) -> dict[tuple[str, int], float]:
        """The newest value of each metric at each step."""
        if SWEEP in run.data.tags:  # what a parent run says of its jobs is said anew: more of them may have finished
            return {}
        with plain_errors(self._store.shown):
            histories = [self._client.get_metric_history(run.info.run_id, key) for key in run.data.metrics]
        points = sorted((point for history in histories for point in history), key=lambda point: point.timestamp)
        return {(point.key, point.step): point.value for point in points}

    def _points(self, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), METRICS):
            self._batch(metrics=metrics[start : start + METRICS])

    def _batch(
        self,
        metrics: list[Metric] | None = None,
        params: list[Param] | None = None,
        tags: list[RunTag] | None = None,
    ) -> None:
        with plain_errors(self._store.shown):
            self._client.log_batch(self._id, metrics or [], params or [], tags or [], synchronous=True)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _cut_tags(values: Mapping[str, str]) -> dict[str, str]:
    return {key: cut(value, TAG_LENGTH) for key, value in values.items()}
