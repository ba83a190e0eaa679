"""A sweep by the command: the grid, its parent run, packs made once."""

import os
import re
import shutil
import signal
import statistics
import subprocess

import psutil
import pytest

from tests.cli.background import BEGUN, wait_until
from tests.cli.conftest import SMALL
from tests.cli.store import runs


@pytest.mark.slow
def test_a_grid_runs_under_one_parent_and_packs_once_for_each_size(catdog, tmp_path):
    done = catdog("-m", *SMALL, "model.layers=1,2", "data.resize=16,24")
    assert done.returncode == 0, done.stderr
    parent, *children = runs(tmp_path)
    assert parent.info.run_name == "model.layers × data.resize, 4 jobs"
    assert len(children) == 4
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    grid = {(run.data.params["model.layers"], run.data.params["data.resize"]) for run in children}
    assert grid == {("1", "16"), ("1", "24"), ("2", "16"), ("2", "24")}
    assert len(list(tmp_path.glob("outputs/packs/*/manifest.json"))) == 2
    logs = [file.read_text() for file in tmp_path.glob("outputs/runs/*/*/*/run.log")]
    assert sum("packed 48 + 12 pictures" in text for text in logs) == 2
    assert len(re.findall(r"^job \d \(data.resize=\d+, model.layers=\d\): val/accuracy", done.stdout, re.M)) == 4
    assert sorted(path.parent.name for path in tmp_path.glob("outputs/runs/*/*/*/run.log")) == [
        "0",
        "1",
        "2",
        "3",
    ]


@pytest.mark.slow
def test_a_key_that_no_run_can_do_without_may_be_swept(catdog, tmp_path, finished):
    pictures = next((finished[0] / "outputs" / "pictures").glob("synthetic-*"))
    other = shutil.copytree(pictures, tmp_path / "other")
    roots = f"data.root={pictures},{other}"
    done = catdog("-m", "data=folder", roots, "stages=[pack]", "sweep.jobs=1")
    assert done.returncode == 0, done.stderr
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"] * 3


@pytest.mark.parametrize("word", ["plan=true", "sweep.dry_run=true"])
def test_planning_a_sweep_of_pictures_that_are_not_there_makes_nothing(catdog, tmp_path, word):
    done = catdog("-m", *SMALL, "train.seed=0,1", word)
    assert done.returncode == 0, done.stderr
    drawn = tmp_path / "outputs" / "pictures" / "synthetic-60-0-v1"
    assert done.stdout == f"pictures: 60 are to be drawn into {drawn}; all else follows from them\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_seeds_are_planned_summed_up_and_the_same_again_answers_at_once_under_the_same_parent(catdog, tmp_path):
    words = ["-m", *SMALL, "train.seed=range(0,3)"]
    assert catdog(*SMALL, "stages=[pack]", "tracking=none").returncode == 0
    planned = catdog(*words, "sweep.dry_run=true")
    assert planned.returncode == 0, planned.stderr
    assert "3 jobs: 3 to run; time unknown" in planned.stdout
    assert len(list(tmp_path.glob("outputs/runs/*"))) == 1  # that of the pictures
    done = catdog(*words)
    assert done.returncode == 0, done.stderr
    parent, *children = runs(tmp_path)
    values = [run.data.metrics["objective"] for run in children]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    assert f"val/accuracy {mean:.4f} ± {deviation:.4f} over 3 seeds" in done.stdout
    figures = {"objective": max(values), "objective/mean": mean, "objective/deviation": deviation}
    ended = {"jobs/finished": 3, "jobs/failed": 0, "jobs/seconds": parent.data.metrics["jobs/seconds"]}
    assert parent.data.metrics == pytest.approx({**figures, **ended})
    assert "3 jobs: 3 finished" in catdog(*words, "sweep.dry_run=true").stdout
    wider = catdog("-m", *SMALL, "train.seed=range(0,4)", "sweep.dry_run=true").stdout
    assert re.search(r"4 jobs: 3 finished, 1 to run; about .* judging by 3 runs", wider)
    again = catdog(*words)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("finished before as run") == 3
    (line,) = (line for line in again.stdout.splitlines() if line.startswith("the best one's settings"))
    best = catdog(*line.partition(": catdog ")[2].replace(" KEY=VALUE", "").split())
    assert "finished already: run " in best.stdout, best.stderr
    assert len(runs(tmp_path)) == 4


@pytest.mark.slow
def test_editing_the_configuration_meanwhile_changes_nothing(tmp_path, begin):
    own = tmp_path / "conf" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ntrain:\n  lr: 0.002\n")
    words = ["-m", *SMALL, "experiment=mine", "train.seed=0,1", "sweep.jobs=1"]
    process = begin(*words)
    wait_until(lambda: list(tmp_path.glob(BEGUN)), process)
    (own / "mine.yaml").write_text("train: [this, is, no, mapping\n")
    assert process.wait(timeout=200) == 0
    assert [run.data.params["train.lr"] for run in runs(tmp_path)[1:]] == ["0.002", "0.002"]


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "parents", "children"), [("1,2,3", 2, 4), ("0,1,2", 1, 3)])
def test_two_sweeps_at_once_do_what_both_want_once(tmp_path, begin, seeds, parents, children):
    words = ["-m", *SMALL, "train.epochs=20"]
    sweeps = [begin(*words, f"train.seed={own}", stdout=subprocess.PIPE) for own in ("0,1,2", seeds)]
    printed = [sweep.communicate(timeout=250)[0] for sweep in sweeps]
    assert [sweep.returncode for sweep in sweeps] == [0, 0], printed
    everything = runs(tmp_path)
    assert {run.info.status for run in everything} == {"FINISHED"}
    assert sum("sweep" in run.data.tags for run in everything) == parents
    assert sum("sweep" not in run.data.tags for run in everything) == children


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to"),  # a terminal tells the whole group
    [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill), (signal.SIGHUP, os.killpg)],
)
def test_a_sweep_that_is_ended_from_outside_leaves_no_run_open(tmp_path, begin, number, to):
    words = ["-m", *SMALL, "train.epochs=100000", "train.seed=1,2"]
    process = begin(
        *words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Where the tests themselves run in the background, these may be ignored.
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGINT, signal.SIGHUP)],
    )
    wait_until(lambda: len({state.parent for state in tmp_path.glob(BEGUN)}) == 2, process)
    family = psutil.Process(process.pid).children(recursive=True)
    to(process.pid, number)
    process.communicate(timeout=120)
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert {run.info.status for run in runs(tmp_path)} == {"KILLED"}
    (table,) = tmp_path.glob("outputs/runs/*/*/sweep.csv")
    assert [line.split(",")[1] for line in table.read_text().splitlines()[1:]] == ["stopped", "stopped"]
    assert psutil.wait_procs(family, 20)[1] == []


@pytest.mark.slow
def test_an_answer_adds_seeds_and_says_it_in_a_sentence(catdog, tmp_path):
    words = ["answer", *SMALL, "model.layers=1,2", "margin=0.9"]  # so that any three seeds are enough
    done = catdog(*words)
    assert done.returncode == 0, done.stderr
    sentence = re.search(
        r"^(1|2) layers? (are|is) .* of validation accuracy \(95 %\), 3 seeds each, ", done.stdout, re.M
    )
    assert sentence is not None
    parent, *children = runs(tmp_path)
    assert parent.info.run_name == "answer: model.layers"
    assert parent.data.tags["mlflow.note.content"].startswith(f"**{sentence[0]}")
    # A fourth seed may have begun before the last one of the third ended.
    assert sorted(run.data.params["train.seed"] for run in children)[:6] == ["0", "0", "1", "1", "2", "2"]
    again = catdog(*words)
    assert sentence[0] in again.stdout
    assert len(runs(tmp_path)) == 1 + len(children)
