"""What a run logs: the calls, which do nothing here (`tracking=none`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

PARENT = "mlflow.parentRunId"  # MLflow's tag of a run under another
SWEEP = "sweep"  # tag of a sweep's parent run: its overrides
TABLES = "mlflow.loggedArtifacts"  # MLflow's tag, JSON: the tables that its evaluation view compares
CONTEXT = "mlflow.data.context"  # MLflow's tag of what a dataset is read for
PRUNED = "pruned"  # tag of a run that a search has given up early: after which epoch

Context = Literal["training", "validation", "testing"]  # what a run reads a dataset for


class RunLog:
    """What a run is logged to; this one logs nothing (`tracking=none`).

    Each public method is a call that a run writes to its journal (`catdog_exp.tracking.run`), and that `MlflowLog`
    carries out elsewhere and later: its arguments are plain values and paths, and it returns nothing. That the store
    fails costs a run nothing but `settle`.

    run_id: MLflow's, or None where nothing is logged. link: one line for people, how to look at the run.
    has_epochs: whether metrics of an epoch have been logged.
    """

    run_id: str | None = None
    link = "not logged (tracking.enabled=false)"
    has_epochs = False

    def params(self, values: Mapping[str, Any]) -> None:
        """Log settings, already flat. A value of more than 6,000 characters is cut, and says so."""

    def metrics(self, values: Mapping[str, float], step: int, figures: Mapping[str, float] | None = None) -> None:
        """Log the metrics of one step in one call, with one time; what an earlier attempt has logged stays.

        figures: of the whole run until then, which stand at step 0 and are logged first, where the step is new.
        """

    def figures(self, values: Mapping[str, float]) -> None:
        """Log metrics of the whole run, at step 0, where MLflow draws bars; one judged anew replaces the old one."""

    def samples(self, samples: Sequence[tuple[float, Mapping[str, float]]]) -> None:
        """Log metrics by the time, in seconds since the epoch, at which they were taken."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags; a tag that is there already is replaced."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder with all that is in it, into the artifacts' `folder`."""

    def model(self, folder: Path, name: str, step: int) -> None:
        """Log a folder with an MLflow model as the run's network, of that epoch, after its figures and datasets."""

    def image(self, path: Path, key: str, step: int) -> None:
        """Log a picture for the image grid of MLflow's pages, where those of `key` stand beside each other by step."""

    def describe(self, words: Sequence[str], minimize: bool) -> None:
        """Let the run's page begin with what it was and how it went, from all that is logged of it until now.

        words: what its user set. minimize: whether less of the objective is better.
        """

    def note(self, text: str, minimize: bool) -> None:
        """Let the run's page begin with `text`, in Markdown; `[…](run:ID)` in it links another run."""

    def dataset(self, name: str, digest: str, source: str, context: Context, profile: Mapping[str, Any]) -> None:
        """Log what the run reads. digest: at most 36 characters. source: its folder. profile: its figures."""

    def share(
        self, settings: Mapping[str, Any], minimize: bool, *, jobs: bool = False, also: Sequence[str] = ()
    ) -> None:
        """Let the experiment's view tell its runs apart by these settings, too.

        jobs: give this run's jobs a view. also: ids of other runs that it shows with them.

        That the store does not let it is a warning.
        """

    def finish_children(self) -> None:
        """End the runs under this one as KILLED that are open though nobody works on them."""

    def mark_best(self, run_id: str) -> None:
        """Tag a run under this one as the best there, and no other."""

    def hurry(self) -> None:
        """Have what is logged so far sent now, while the run does other things."""

    def settle(self) -> None:
        """Wait until all that was logged is at the store. Raises UserError when that does not take it."""
