"""What a run is logged to: MLflow, or nothing."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from catdog_exp.errors import UserError
from catdog_exp.tracking.done_stages import is_trained
from catdog_exp.tracking.ending import Status, end_run, error_line
from catdog_exp.tracking.heartbeat import HEARTBEAT, beating, presence_tags, resumption_tags
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.limits import PARAM_LENGTH, TAG_LENGTH, cut
from catdog_exp.tracking.run_files import KEPT_IN
from catdog_exp.tracking.store import Store
from catdog_exp.tracking.store_errors import plain_errors
from catdog_exp.tracking.uris import is_server, local_path

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, Run, RunTag

log = logging.getLogger(__name__)

BATCH = 100  # entries of one call, MLflow's limit
PARENT = "mlflow.parentRunId"  # MLflow's tag of a run under another
SWEEP = "sweep"  # tag of a sweep's parent run: its overrides
TABLES = "mlflow.loggedArtifacts"  # MLflow's tag, JSON: the tables that its evaluation view compares
PRUNED = "pruned"  # tag of a run that a search has given up early: after which epoch


Context = Literal["training", "validation", "testing"]  # what a run reads a dataset for


class RunLog:
    """What a run is logged to; this one logs nothing (`tracking=none`). Methods raise UserError when the store fails.

    run_id: MLflow's, or None where nothing is logged. link: one line for people, how to look at the run.
    """

    run_id: str | None = None
    link = "not logged (tracking.enabled=false)"

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings, already flat. A value of more than 6,000 characters is cut, and says so."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log the metrics of one step in one call, with one time; what an earlier attempt has logged stays."""

    def figures(self, values: Mapping[str, float]) -> None:
        """Log metrics of the whole run, at step 0, where MLflow draws bars; one judged anew replaces the old one."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags; a tag that is there already is replaced."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder with all that is in it, into the artifacts' `folder`."""

    def dataset(self, name: str, digest: str, source: str, context: Context, profile: Mapping[str, Any]) -> None:
        """Log what the run reads. digest: at most 36 characters. source: its folder. profile: its figures."""

    def share(self, settings: Mapping[str, Any], minimize: bool, *, jobs: bool = False) -> None:
        """Let the experiment's view tell its runs apart by these settings, too. jobs: give this run's jobs a view.

        That the store does not let it is a warning.
        """


class MlflowLog(RunLog):
    """Logs to a new run in `store`, or to an earlier one that goes on: what that has logged is not logged twice."""

    def __init__(self, store: Store, name: str, tags: Mapping[str, str], earlier: Run | None = None) -> None:
        self._store = store
        self._client = store.client
        self._params = set() if earlier is None else set(earlier.data.params)
        self._logged = {} if earlier is None else self._logged_metrics(earlier)
        with plain_errors(store.shown):
            if earlier is None:
                made = self._client.create_run(
                    store.experiment_id, tags=_cut_tags({**tags, **presence_tags()}), run_name=name
                )
            else:
                made = earlier
                self._take_over(earlier, tags)
        self._takes_files = earlier is not None  # what fails before the first one, fails before any work
        self._id: str = made.info.run_id
        self.run_id = self._id
        self.link = store.link(self._id)

    def params(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        new = {key: value for key, value in values.items() if key not in self._params}
        params = [Param(key, cut(_text(value), PARAM_LENGTH)) for key, value in new.items()]
        for start in range(0, len(params), BATCH):
            self._batch(params=params[start : start + BATCH])

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        new = {key: value for key, value in values.items() if (key, step) not in self._logged}
        if new:
            self._batch(metrics=[Metric(key, float(value), now, step) for key, value in new.items()])

    def figures(self, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            if self._logged.get((key, 0)) != float(value):
                self._logged.pop((key, 0), None)
        self.metrics(values, 0)

    def tags(self, values: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._batch(tags=[RunTag(key, value) for key, value in _cut_tags(values).items()])

    def artifact(self, path: Path, folder: str = "") -> None:
        try:
            with self._whole():
                self._client.log_artifact(self._id, str(path), folder or None)
        except UserError as error:
            if not self._takes_files or local_path(self._store.artifacts) is not None:
                raise
            # What a server does not take any more is no reason to lose, or to repeat, what the run has come to.
            log.warning("%s is not logged, it stays in %s: %s", path.name, path.parent, error)
            name = Path(folder, path.name)
            if path.parts[-len(name.parts) :] == name.parts:  # it can be found there by the artifact's name
                self.tags({KEPT_IN: str(path.parents[len(name.parts) - 1])})
        self._takes_files = True

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
        entries = [DatasetInput(read, [InputTag("mlflow.data.context", context)])]
        with self._whole():
            try:
                self._client.log_inputs(self._id, entries)
            except MlflowException as error:
                # Another run has logged the same dataset between MLflow's look and its insertion: it is there now.
                if "IntegrityError" not in str(error):
                    raise
                self._client.log_inputs(self._id, entries)

    def share(self, settings: Mapping[str, Any], minimize: bool, *, jobs: bool = False) -> None:
        from catdog_exp.tracking.view import keep_view

        try:
            with self._whole():
                keep_view(self._store, settings, minimize, self._id if jobs else "")
        except UserError as error:  # not everyone who may log runs may change an experiment
            log.warning("the experiment's view is not kept up: %s", error)

    def beating(self) -> AbstractContextManager[None]:
        """Give signs of life while a block runs."""
        return beating(self._store, self._id)

    def end(self, status: Status, error: Exception | None = None) -> None:
        """Give the run its last status; a failed one gets a line about its error, and the traceback."""
        if status == "FINISHED":
            with plain_errors(self._store.shown):
                self._client.set_terminated(self._id, status)
            return
        if error is None:
            end_run(self._store, self._id, status)
        else:
            end_run(self._store, self._id, status, error_line(error), "".join(traceback.format_exception(error)))

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """One call. An interruption within SQLite's leaves the database locked, to the call that tells of it too."""
        with plain_errors(self._store.shown), nullcontext() if is_server(self._store.uri) else uninterrupted():
            yield

    def _take_over(self, run: Run, tags: Mapping[str, str]) -> None:
        """Open an earlier run again, as this process's own, without what was said of its end."""
        from mlflow.entities import RunTag

        # One that another program has made lacks them; another attempt's own stay.
        new = {key: value for key, value in _cut_tags(tags).items() if key not in run.data.tags}
        new |= resumption_tags(run)
        if PARENT in tags:  # the sweep of now, in place of the one that was interrupted
            new[PARENT] = tags[PARENT]
        # The tags first: RUNNING with those of a dead process, another command would take it over too.
        self._client.log_batch(run.info.run_id, tags=[RunTag(key, value) for key, value in new.items()])
        for tag in ("error", PRUNED):
            if tag in run.data.tags:
                self._client.delete_tag(run.info.run_id, tag)
        self._client.update_run(run.info.run_id, "RUNNING")
        if HEARTBEAT in run.data.tags and SWEEP not in run.data.tags and not is_trained(run.info.status, run.data.tags):
            log.info("going on with run %s, that was interrupted", run.info.run_id[:8])

    def _logged_metrics(self, run: Run) -> dict[tuple[str, int], float]:
        """The newest value of each metric at each step."""
        if SWEEP in run.data.tags:  # what a parent run says of its jobs is said anew: more of them may have finished
            return {}
        with plain_errors(self._store.shown):
            histories = [self._client.get_metric_history(run.info.run_id, key) for key in run.data.metrics]
        points = sorted((point for history in histories for point in history), key=lambda point: point.timestamp)
        return {(point.key, point.step): point.value for point in points}

    def _batch(
        self,
        metrics: list[Metric] | None = None,
        params: list[Param] | None = None,
        tags: list[RunTag] | None = None,
    ) -> None:
        with self._whole():
            self._client.log_batch(self._id, metrics or [], params or [], tags or [], synchronous=True)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _cut_tags(values: Mapping[str, str]) -> dict[str, str]:
    return {key: cut(value, TAG_LENGTH) for key, value in values.items()}
