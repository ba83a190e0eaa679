from catdog_exp.sweeps.jobs import Outcome
from catdog_exp.sweeps.note import sweep_note
from catdog_exp.tracking.links import linked_runs, with_links
from tests.sweeps.made import failed, finished, job

SWEEP = "5" * 32


def test_the_note_says_what_varied_how_it_went_and_which_is_the_best():
    jobs = [job(number, model__layers=2 + number // 2, train__lr=0.1 / (1 + number % 2)) for number in range(4)]
    outcomes = {
        0: finished(0.7, run="a" * 32),
        1: Outcome("reused", 0.8, "b" * 32, "", 9.0),
        2: failed("no memory"),
    }
    note = sweep_note(SWEEP, ["model.layers=2,3", "tracking.uri=http://me:secret@host"], jobs, outcomes, "val/loss", [])
    paragraphs = note.split("\n\n")
    best = f"**Best: [layers=2 lr=0.1](run:{'a' * 32}), val/loss 0.7000**"
    assert paragraphs[0] == f"{best}; once more: `catdog rerun {'a' * 8}`"
    assert paragraphs[1] == "4 jobs: 1 new, 1 reused, 1 failed, 1 waiting; 1 minute of work."
    assert paragraphs[2] == "Varied: `model.layers` (2, 3), `train.lr` (0.05, 0.1)."
    assert f"(view:{SWEEP})" in note
    assert "secret" not in note
    assert linked_runs(paragraphs[-1]) == ["a" * 32, "b" * 32, "5e6f7a8b" * 4]


def test_the_note_of_a_large_sweep_fits_with_all_its_links():
    jobs = [job(number, train__seed=number, model__name="x" * 500) for number in range(400)]
    outcomes = {number: finished(number / 1000) for number in range(400)}
    note = sweep_note(SWEEP, [f"train.seed={','.join(map(str, range(400)))}"], jobs, outcomes, "val/accuracy", [])
    linked = with_links(note, "123456789012345678")
    assert 6_500 < len(linked) <= 8_000
    assert linked.splitlines()[-1].startswith("400 jobs in all")
