"""A job on a machine without the folder of its sweep: what it makes comes home; it goes on where it was cut off."""

import json
from pathlib import Path
from typing import Any

import pytest

from catdog_exp.app.compose import compose
from catdog_exp.sweeps.away import attend_away
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.home import Home
from catdog_exp.sweeps.jobs import Job
from catdog_exp.sweeps.planning import plan
from catdog_exp.tracking.config import TrackingConfig
from tests.cli.conftest import SMALL
from tests.cli.store import runs

pytestmark = pytest.mark.slow


class CutOffError(Exception):
    pass


def planned(folder: Path, *words: str) -> Job:
    places = [f"paths.outputs={folder / 'outputs'}", f"paths.cache={folder / 'node'}"]
    words = (*SMALL, "train.epochs=12", *places, *words)
    (job,) = plan([(list(words), plain(compose(words)))])
    return job


def test_what_a_job_elsewhere_makes_comes_home_and_goes_on_where_it_was_cut_off(tmp_path: Path):
    digests: list[str] = []
    for cut in (False, True):
        folder = tmp_path / str(cut)
        outputs, sweep = folder / "outputs", folder / "outputs" / "sweep"
        sweep.mkdir(parents=True)
        job = planned(folder)
        tracking = TrackingConfig(True, f"sqlite:///{outputs}/mlflow.db", "catdog", None, None)
        home = Home(outputs, sweep, tracking)
        left: list[tuple[int, int]] = []

        def call(method: str, *arguments: Any) -> Any:
            answer = getattr(home, method)(*arguments)  # noqa: B023
            progress = sweep / "0" / "progress.json"  # noqa: B023
            if cut and not left and progress.exists() and json.loads(progress.read_bytes())["epoch"] > 2:  # noqa: B023
                left.append(arguments[:2])  # noqa: B023
                raise CutOffError
            return answer

        if cut:
            with pytest.raises(CutOffError):
                attend_away(call, outputs, sweep, None, job, "1")
            assert list(outputs.glob("unfinished/*/state-*"))
        outcome = attend_away(call, outputs, sweep, None, job, "1")
        assert outcome.status == "finished", outcome
        if cut:
            with pytest.raises(RuntimeError, match="this attempt counts no more"):
                home.put(*left[0], {}, [])
        (run,) = runs(folder)
        assert (run.info.run_id, run.info.status) == (outcome.run_id, "FINISHED")
        assert (sweep / "0" / "checkpoints" / "last.safetensors").is_file()
        assert ("going on after epoch" in (sweep / "0" / "run.log").read_text()) == cut
        for name in ("pack/manifest.json", "checkpoints/best.safetensors", "config/config.yaml"):
            assert list(outputs.rglob(f"{run.info.run_id}/artifacts/{name}")), name
        assert not list(outputs.rglob("*.rec"))
        assert list((folder / "node").rglob("*.rec"))
        assert not list(outputs.glob("unfinished/*/state-*"))
        assert not list((outputs / "unsent").glob("*.jsonl"))
        assert not list((folder / "node" / "ray" / "jobs").iterdir())
        digests.append(run.data.tags["params_sha256"])
    assert digests[0] == digests[1]
