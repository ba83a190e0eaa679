import pytest

from catdog_exp.tracking.best_run import CHECKPOINT, best_run, found_run
from catdog_exp.tracking.done_stages import stages_tag
from catdog_exp.tracking.selecting import run_with_network, select
from catdog_exp.tracking.store import open_store
from tests.tracking.refusing import refusal
from tests.tracking.starting import start_run


@pytest.fixture
def train(ready, tmp_path):
    """Logs a run as a training leaves it; the checkpoint's bytes are the run's name."""

    def make(name, value, objective="val/accuracy", checkpoint=True, error=None, experiment="cats", **tags):
        file = tmp_path / "best.safetensors"
        file.write_text(name)
        try:
            with start_run(ready(experiment=experiment), name, {"objective": objective, **tags}) as log:
                if value is not None:
                    log.metrics({"objective": value}, step=0)
                if checkpoint:
                    log.artifact(file, "checkpoints")
                if error:
                    raise error
        except RuntimeError:
            pass
        return log.run_id

    return make


@pytest.fixture
def find(ready, tmp_path):
    def call(run_id=None, objective="val/accuracy", minimize=False, dataset=None):
        store, downloads = open_store(ready()), tmp_path / "downloads"
        if run_id is not None:
            return run_with_network(store, run_id, objective, minimize, downloads)
        best = best_run(store, objective, minimize, dataset)
        return best and found_run(store, best.run, downloads)

    return call


def test_the_best_finished_run_with_a_checkpoint_is_found(train, find):
    train("good", 0.7)
    best = train("best", 0.9)
    train("worse", 0.6)
    train("failed", 0.99, error=RuntimeError("no memory"))
    train("no network", 0.98, checkpoint=False)
    train("other objective", 0.97, objective="val/f1")
    train("elsewhere", 0.96, experiment="dogs")
    train("not a number", float("nan"))
    train("sweep", None)
    found = find()
    assert found.run_id == best
    assert found.described == f"{best[:8]} (best, val/accuracy 0.9000)"
    assert found.checkpoint.read_text() == "best"


def test_runs_of_different_data_sets_do_not_compare(train, find, ready, tmp_path):
    drawn = train("drawn", 0.95, dataset="d1", pictures="drawn by the program")
    good = train("good", 0.78, dataset="d2")
    train("newest", 0.7, dataset="d2")
    assert find().run_id == good
    assert find(dataset="d1").run_id == drawn
    assert find(dataset="d3") is None
    store = open_store(ready())
    best = best_run(store, "val/accuracy", False, None)
    assert best.better == f"{drawn[:8]} (drawn, val/accuracy 0.9500; its pictures: drawn by the program)"
    assert best_run(store, "val/accuracy", False, "d1").better == ""


def test_runs_of_the_version_before_compare_where_their_packs_are_the_same(train, find):
    train("drawn", 0.95, pack="p1")
    good = train("good", 0.78, pack="p2")
    train("newest", 0.7, pack="p2")
    assert find().run_id == good


def test_a_run_whose_training_is_done_has_a_network_whatever_came_after(train, find):
    run = train("evaluation failed", 0.9, error=RuntimeError("no memory"), **stages_tag({"train": "abc"}))
    assert find().run_id == run


def test_a_loss_is_best_when_lowest(train, find):
    train("high", 0.9, objective="val/loss")
    low = train("low", 0.2, objective="val/loss")
    train("no value", None, objective="val/loss")
    assert find(objective="val/loss", minimize=True).run_id == low


def test_of_equally_good_runs_the_newest_counts(train, find):
    for name in ("first", "second", "third"):
        newest = train(name, 0.5)
    assert find().run_id == newest


def test_a_local_checkpoint_is_used_where_it_lies(train, find, tmp_path):
    run = train("run", 0.5)
    assert find().checkpoint == tmp_path / "store" / "artifacts" / run / "artifacts" / CHECKPOINT
    assert not (tmp_path / "downloads").exists()


def test_a_run_is_found_by_its_id_or_its_first_digits(train, find):
    run = train("wanted", 0.1, error=RuntimeError("stopped"))
    train("better", 0.9)
    assert find(run).run_id == run
    assert find(run[:6]).run_id == run


def test_a_run_of_another_experiment_is_found_by_its_id(train, find):
    assert find(train("elsewhere", 0.5, experiment="dogs")).described.split()[1] == "(elsewhere,"


def test_without_any_run_the_user_is_told_to_train(find):
    assert "train one first with `catdog`" in refusal(find)


@pytest.mark.parametrize("word", ["abc", "not-hex", "a" * 33, "%%%%%%", "it's", "last", "nosuch:best", "0" * 32])
def test_a_run_that_is_not_there_names_the_store_and_where_to_look(find, tmp_path, word):
    line = refusal(find, word)
    assert "there is none in" in line
    assert str(tmp_path) in line
    assert "`catdog runs` lists them" in line


def test_a_run_is_named_in_many_ways(train, find, ready):
    first = train("first of all", 0.7)
    sweep = train("layers × width", None, sweep="model.layers=2,3", checkpoint=False)
    worse, better = (train(f"job {value}", value, **{"mlflow.parentRunId": sweep}) for value in (0.4, 0.6))
    store = open_store(ready())
    assert find("first of all").run_id == first
    assert find(first[:12]).run_id == first
    assert find("best").run_id == first
    assert find("last").run_id == better
    assert find(f"{sweep[:10]}:best").run_id == find("layers × width:best").run_id == better
    store.client.create_registered_model("catdog")
    made = store.client.create_model_version("catdog", "file:///nowhere", run_id=worse)
    store.client.set_registered_model_alias("catdog", "champion", made.version)
    assert find("catdog@champion").run_id == find("models:/catdog@champion").run_id == worse
    assert "alias nosuch" in refusal(find, "catdog@nosuch")
    train("first of all", 0.2)
    assert "2 runs are called so" in refusal(find, "first of all")


def test_a_deleted_run_is_not_found(train, find, ready):
    run = train("run", 0.5)
    open_store(ready()).client.delete_run(run)
    assert "there is none" in refusal(find, run)
    assert "train one first" in refusal(find)


def test_digits_that_several_runs_start_with_are_refused(ready, monkeypatch):
    store = open_store(ready())
    ids = iter(["abcdef" + f"{number:026x}" for number in range(2)])
    monkeypatch.setattr("mlflow.store.tracking.sqlalchemy_store.uuid.uuid4", lambda: type("U", (), {"hex": next(ids)}))
    store.client.create_run(store.experiment_id)
    store.client.create_run(store.experiment_id)
    assert "2 runs are called so" in refusal(select, store, "abcdef", "val/accuracy", False)


def test_a_run_without_a_network_is_refused(train, find):
    run = train("run", 0.5, checkpoint=False)
    assert f"it has no {CHECKPOINT}" in refusal(find, run)
