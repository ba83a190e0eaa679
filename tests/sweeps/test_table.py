"""The tables of a sweep's jobs, before it and after it."""

import csv
import io
import sys

import pytest

from catdog_exp.sweeps.estimating import estimate
from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.table import csv_table, job_table, markdown_table, plan_table
from catdog_exp.tracking.links import with_links
from tests.conftest import Terminal
from tests.sweeps.made import failed, finished, job

SPACE = " \u2003\u200b"  # about a cell of a note
JOBS = [job(number, model__layers=layers, train__lr=0.1 / 3) for number, layers in enumerate([[2, 2], [3], None])]


def test_the_table_has_a_line_for_each_job_in_order_and_marks_the_best():
    outcomes = {1: finished(0.8132, 3700), 0: finished(0.75)}
    table = job_table(JOBS[::-1], outcomes, "val/accuracy")
    assert table.splitlines() == [
        "job  status    val/accuracy  model.layers  train.lr     time  run",
        "  0  finished        0.7500  [2,2]         0.03333   0:01:12  1a2b3c4d",
        " *1  finished        0.8132  [3]           0.03333   1:01:40  1a2b3c4d",
        "  2  waiting                 null          0.03333",
        f"* best: job 1 (model.layers=[3], train.lr=0.03333), val/accuracy 0.8132; {outcomes[1].link}",
    ]


def test_of_a_loss_the_least_is_the_best():
    assert " *0  " in job_table(JOBS, {0: finished(0.2), 1: finished(0.3)}, "val/loss")


def test_a_job_without_a_number_or_given_up_early_is_not_the_best():
    pruned = Outcome("pruned", 0.9, None, "", 1.0, "worse than most")
    outcomes = {0: finished(float("nan")), 1: finished(0.6), 2: pruned}
    assert "* best: job 1 " in job_table(JOBS, outcomes, "val/accuracy")
    assert "best" not in job_table(JOBS, {0: finished(float("nan")), 2: pruned}, "val/accuracy")


def test_reasons_stand_whole_below_the_table_and_each_once():
    reason = "ended by signal 6 (SIGABRT): " + "a long story " * 20
    outcomes = {0: failed(reason), 1: failed(reason), 2: failed("too slow")}
    lines = job_table(JOBS, outcomes, "val/accuracy").splitlines()
    assert lines[-2:] == [f"jobs 0, 1 failed: {reason}", "job 2 failed: too slow"]
    assert max(map(len, lines[:4])) < 120


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_table_fits_the_terminal_and_says_what_it_leaves_out(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    many = {f"section__key_{place}": f"/a/long/folder/{place}/" + "x" * 40 for place in range(6)}
    jobs = [job(number, **many) for number in range(3)]
    *rows, last = job_table(jobs, {}, "val/accuracy").splitlines()[:5]
    assert max(map(len, rows)) <= columns
    assert "…" in rows[1]
    assert ("section.key_5" in last) == (columns < 200)


def test_of_many_jobs_the_best_and_the_failed_ones_are_shown():
    jobs = [job(number, train__seed=number) for number in range(500)]
    outcomes = {number: failed("no memory") if number % 100 == 7 else finished(number / 1000) for number in range(490)}
    lines = job_table(jobs, outcomes, "val/accuracy").splitlines()
    shown = [int(line.split()[0].strip("*")) for line in lines[1:46]]
    assert shown == [7, 107, 207, 307, 407, *range(450, 490)]
    assert lines[-1] == "455 jobs left out; sweep.csv in the sweep's folder has all 500"


def test_one_job_that_differs_from_none_is_a_table_too():
    assert "finished" in job_table([job(0)], {0: finished(0.5)}, "val/accuracy")


def test_the_csv_has_everything_with_all_digits_and_no_password():
    jobs = [job(0, data__root="s3://me:secret@host/a,b", train__lr=0.1 / 3), job(1, model__layers=[2, 3])]
    outcomes = {0: finished(2 / 3), 1: failed('broke: "x",\nno http://you:secret@host')}
    text = csv_table(jobs, outcomes, "val/accuracy")
    first, second = csv.DictReader(io.StringIO(text))
    assert "secret" not in text
    assert first["data.root"] == "s3://me:***@host/a,b"
    assert (float(first["train.lr"]), float(first["val/accuracy"])) == (0.1 / 3, 2 / 3)
    assert (first["run"], first["link"], first["fingerprint"]) == (outcomes[0].run_id, outcomes[0].link, "0" * 32)
    assert (second["job"], second["status"], second["model.layers"]) == ("1", "failed", "[2,3]")
    assert (second["val/accuracy"], second["data.root"]) == ("", "")
    assert second["reason"] == 'broke: "x",\nno http://you:***@host'


def test_the_note_links_runs_says_which_are_new_and_keeps_its_cells_apart():
    reused = Outcome("reused", 0.6, "9" * 32, "", 5.0)
    lines = markdown_table(
        JOBS, {0: finished(0.7), 1: failed("a | b\nc"), 2: reused}, "val/accuracy", 8_000
    ).splitlines()
    assert len(lines) == 5
    assert [line.split("|")[2].strip(SPACE) for line in lines[2:]] == ["new", "failed", "reused"]
    assert f"[1a2b3c4d](run:{'1a2b3c4d' * 4})" in lines[2]
    assert "**0.7000**" in lines[2]
    assert "a \\| b c" in lines[3]


def test_a_long_note_is_cut_at_whole_rows_and_says_so():
    jobs = [job(number, train__seed=number) for number in range(60)]
    outcomes = {number: finished(number / 100) for number in range(60)}
    note = markdown_table(jobs, outcomes, "val/accuracy", 7_000)
    linked = with_links(note, "123456789012345678")
    assert 6_000 < len(linked) <= 7_000
    assert "60 jobs in all" in note.splitlines()[-1]
    numbers = [line.split("|")[1].strip(SPACE) for line in note.splitlines()[2:-2]]
    assert numbers == [str(number) for number in range(60 - len(numbers), 60)]
    assert len(numbers) > 30


def test_the_plan_tells_each_jobs_state_and_the_time_they_take_together():
    jobs = [job(number, model__layers=2 + number // 6, train__seed=number % 6) for number in range(12)]
    states = {jobs[number].fingerprint: "finished" for number in range(7)} | {jobs[8].fingerprint: "resumable"}
    seconds = {jobs[number].fingerprint: 100.0 for number in range(6)} | {jobs[6].fingerprint: 300.0}
    lines = plan_table(jobs, states, seconds, at_once=2).splitlines()
    assert lines[0].split() == ["job", "fingerprint", "model.layers", "train.seed", "state"]
    assert lines[9].split() == ["8", "00000000", "3", "2", "resumable"]
    assert [line.split()[-1] for line in lines[1:13]] == ["finished"] * 7 + ["new", "resumable"] + ["new"] * 3
    # Of three layers one run is known, of 300 s: five jobs, two at once, are three rounds.
    assert lines[13] == ("12 jobs: 7 finished, 1 to go on, 4 to run; about 15 minutes with 2 at once, judging by 1 run")


def test_a_plan_without_any_run_to_judge_by_says_so():
    assert plan_table(JOBS, {}, {}, 2).endswith("3 to run; time unknown: no run of this kind has finished yet")
    assert estimate(JOBS, {}, 2, [0, 1, 2]) is None


def test_a_plan_that_is_done_says_so():
    states = {each.fingerprint: "finished" for each in JOBS}
    assert plan_table(JOBS, states, {}, 2).endswith("3 jobs: 3 finished; nothing is left to run")


def test_a_job_that_runs_elsewhere_takes_no_time_here():
    states = {JOBS[0].fingerprint: "running", JOBS[1].fingerprint: "finished"}
    last = plan_table(JOBS, states, {JOBS[1].fingerprint: 60.0}, 1).splitlines()[-1]
    assert last == (
        "3 jobs: 1 finished, 1 under way elsewhere, 1 to run; about 1 minute with 1 at once, judging by 1 run"
    )


def test_runs_of_other_sweeps_are_judged_by_where_none_is_nearer():
    known = {"f" * 32: 10.0, "e" * 32: 20.0, "d" * 32: 90.0}
    assert estimate(JOBS, known, at_once=3, to_run=[0, 1, 2]) == 20.0
