"""What a run is logged to: MLflow, or nothing."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from catdog_exp.errors import UserError
from catdog_exp.tracking.interrupts import uninterrupted
from catdog_exp.tracking.store import Store, plain_errors
from catdog_exp.tracking.uris import is_server

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, Run, RunTag

log = logging.getLogger(__name__)

Status = Literal["FINISHED", "FAILED", "KILLED"]

# MLflow's limits: characters of a parameter and of a tag, entries of one call.
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
BATCH = 100
PARENT = "mlflow.parentRunId"  # MLflow's tag of a run under another
ERROR_LENGTH = 500  # characters of the tag `error`


class RunLog(Protocol):
    """What a run is logged to. Every method raises UserError when the store fails.

    run_id: MLflow's, or None where nothing is logged. link: one line for people, how to look at the run.
    """

    run_id: str | None
    link: str

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings, already flat. A value of more than 6,000 characters is cut, and says so."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log the metrics of one step in one call, with one time."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags; a tag that is there already is replaced."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder with all that is in it, into the artifacts' `folder`."""

    def dataset(
        self,
        name: str,
        digest: str,
        source: str,
        context: Literal["training", "validation"],
        profile: Mapping[str, Any],
    ) -> None:
        """Log what the run reads. digest: at most 36 characters. source: its folder. profile: its figures."""


class NoLog:
    """Logs nothing (`tracking=none`)."""

    run_id: str | None = None
    link = "not logged (tracking.enabled=false)"

    def params(self, values: Mapping[str, Any]) -> None: ...

    def metrics(self, values: Mapping[str, float], step: int) -> None: ...

    def tags(self, values: Mapping[str, str]) -> None: ...

    def artifact(self, path: Path, folder: str = "") -> None: ...

    def dataset(
        self,
        name: str,
        digest: str,
        source: str,
        context: Literal["training", "validation"],
        profile: Mapping[str, Any],
    ) -> None: ...


class MlflowLog:
    """Logs to a new run in `store`, or to an earlier one that goes on: what that has logged is not logged twice."""

    run_id: str | None
    link: str

    def __init__(self, store: Store, name: str, tags: Mapping[str, str], earlier: Run | None = None) -> None:
        self._store = store
        self._client = store.client
        self._params = set() if earlier is None else set(earlier.data.params)
        self._steps = {} if earlier is None else self._logged_steps(earlier)
        with plain_errors(store.shown):
            if earlier is None:
                made = self._client.create_run(store.experiment_id, tags=_cut_tags(tags), run_name=name)
            else:
                made = earlier
                self._client.update_run(made.info.run_id, "RUNNING")
                if "error" in made.data.tags:
                    self._client.delete_tag(made.info.run_id, "error")
                if PARENT in tags:  # the sweep of now, in place of the one that was interrupted
                    self._client.set_tag(made.info.run_id, PARENT, tags[PARENT])
                log.info("going on with run %s, that was interrupted", made.info.run_id[:8])
        self._id: str = made.info.run_id
        self.run_id = self._id
        self.link = f"run {self._id[:8]} of the experiment {store.experiment}: `catdog ui` shows it"
        if is_server(store.uri):
            self.link = f"{store.shown.rstrip('/')}/#/experiments/{store.experiment_id}/runs/{self._id}"

    def params(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        new = {key: value for key, value in values.items() if key not in self._params}
        params = [Param(key, _cut(_text(value), PARAM_LENGTH)) for key, value in new.items()]
        for start in range(0, len(params), BATCH):
            self._batch(params=params[start : start + BATCH])

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        new = {key: value for key, value in values.items() if step not in self._steps.get(key, ())}
        if new:
            self._batch(metrics=[Metric(key, float(value), now, step) for key, value in new.items()])

    def tags(self, values: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._batch(tags=[RunTag(key, value) for key, value in _cut_tags(values).items()])

    def artifact(self, path: Path, folder: str = "") -> None:
        with self._whole():
            self._client.log_artifact(self._id, str(path), folder or None)

    def dataset(
        self,
        name: str,
        digest: str,
        source: str,
        context: Literal["training", "validation"],
        profile: Mapping[str, Any],
    ) -> None:
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

    def end(self, status: Status, error: Exception | None = None) -> None:
        """Give the run its last status; before that, a failed one gets its traceback and a line about it."""
        if status == "FINISHED":
            with plain_errors(self._store.shown):
                self._client.set_terminated(self._id, status)
            return
        # Whatever happens here must not hide, nor hold up, what ended the run.
        with _impatient():
            try:
                self._client.set_terminated(self._id, status)
                if error is not None:
                    self._client.set_tag(self._id, "error", _cut(_line(error), ERROR_LENGTH))
                    self._client.log_text(self._id, "".join(traceback.format_exception(error)), "error.txt")
            except Exception as problem:
                log.warning("the end of run %s could not be logged: %s", self._id[:8], _line(problem))

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """One call. An interruption within SQLite's leaves the database locked, to the call that tells of it too."""
        with plain_errors(self._store.shown), nullcontext() if is_server(self._store.uri) else uninterrupted():
            yield

    def _logged_steps(self, run: Run) -> dict[str, set[int]]:
        with plain_errors(self._store.shown):
            return {
                key: {metric.step for metric in self._client.get_metric_history(run.info.run_id, key)}
                for key in run.data.metrics
            }

    def _batch(
        self,
        metrics: list[Metric] | None = None,
        params: list[Param] | None = None,
        tags: list[RunTag] | None = None,
    ) -> None:
        with self._whole():
            self._client.log_batch(self._id, metrics or [], params or [], tags or [], synchronous=True)


@contextmanager
def _impatient() -> Iterator[None]:
    """One retry and short waits for a server, instead of MLflow's minutes."""
    limits = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    before = {key: os.environ.get(key) for key in limits}
    os.environ.update(limits)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _cut(text: str, length: int) -> str:
    note = f"… (cut, {len(text)} characters)"
    return text if len(text) <= length else text[: length - len(note)] + note


def _cut_tags(values: Mapping[str, str]) -> dict[str, str]:
    return {key: _cut(value, TAG_LENGTH) for key, value in values.items()}


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    # MXNet's messages start with a traceback of their own; what went wrong stands last.
    text = (lines[-1] if lines[0].startswith("Traceback") else lines[0]) if lines else ""
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}".removesuffix(": ")
