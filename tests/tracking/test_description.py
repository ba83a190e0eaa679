"""What MLflow's pages of a run and of an experiment begin with."""

import pytest

from catdog_exp.tracking import description
from catdog_exp.tracking.done_stages import stages_tag
from catdog_exp.tracking.store import open_store
from tests.tracking.reading import logged
from tests.tracking.starting import start_run

NOTE = "mlflow.note.content"
FIGURES = {"best/accuracy": 0.8, "best/accuracy_low": 0.7, "best/accuracy_high": 0.9, "best/epoch": 4}


def trained(config, name, value, dataset="d1", words=(), minimize=False, **params):
    """A finished run; returns its id and its description."""
    tags = {"objective": "val/accuracy", "dataset": dataset, "pictures": f"the pictures {dataset}"}
    with start_run(config, name, tags) as log:
        log.params({"model": "cnn", "data.resize": 32, "train.epochs": 5, "augment": "basic", **params})
        log.dataset("cats", "0123", "/packs/0123", "training", {"cat": 600, "dog": 600})
        log.dataset("cats", "0123", "/packs/0123", "validation", {"cat": 100, "dog": 101})
        log.metrics({"val/accuracy": value}, 1, {"objective": value})
        log.tags(stages_tag({"train": "done"}))
        log.figures({**FIGURES, "time/pack": 1.25, "time/train": 83.0})
        log.describe(list(words), minimize)
    return log.run_id, logged(config, log.run_id).data.tags[NOTE]


def of_experiment(config):
    store = open_store(config)
    return store, store.client.get_experiment(store.experiment_id).tags[NOTE]


def test_a_run_says_what_it_was_how_it_went_and_what_its_user_set(ready):
    params = {"model.parameters": 12345}
    _, text = trained(ready(), "first", 0.75, words=["model=cnn", "train.epochs=5"], **params)
    what, how, words, beside = text.split("\n\n")
    assert what == (
        "Network **cnn** with 12,345 parameters. Pictures: the pictures d1; 1,200 to train on, 201 to validate on; "
        "32 pixels, augmentation basic."
    )
    assert how.startswith(
        "**val/accuracy 0.7500** at epoch 4 of 5; on the validation pictures accuracy 0.8000 "
        "(95 % interval 0.700 to 0.900); "
    )
    assert how.endswith(" s in all (pack 1.2 s, train 83 s).")
    assert words == "Set by its command: `model=cnn`, `train.epochs=5`."
    assert beside == "The first run on these pictures."


@pytest.mark.parametrize(("minimize", "worse"), [(False, "The best so far: "), (True, "**The best so far on these")])
def test_a_run_is_compared_with_the_best_one_of_the_same_pictures(ready, minimize, worse):
    config = ready()
    best, _ = trained(config, "best [one]", 0.9 if not minimize else 0.2, minimize=minimize, **{"model.layers": 4})
    trained(config, "of others", 0.95 if not minimize else 0.1, dataset="d2", minimize=minimize)
    with (
        pytest.raises(ZeroDivisionError),
        start_run(config, "failed", {"objective": "val/accuracy", "dataset": "d1"}) as log,
    ):
        log.metrics({"val/accuracy": 0.99}, 1, {"objective": 0.99 if not minimize else 0.01})
        1 / 0  # noqa: B018
    _, text = trained(config, "mine", 0.1 if minimize else 0.8, minimize=minimize, **{"model.layers": 3, "extra": 1})
    last = text.split("\n\n")[-1]
    assert last.startswith(worse)
    page = f"#/experiments/{open_store(config).experiment_id}/runs/{best}?workflowType=machine_learning"
    assert f"[best \\[one\\]]({page})" in last
    assert last.endswith("Settings that differ: `model.layers` 3 here, 4 there, `extra` 1 here, unset there.")


def test_an_experiment_says_what_is_in_it_and_names_no_deleted_run(ready):
    config = ready()
    lost, _ = trained(config, "lost", 0.99)
    open_store(config).client.delete_run(lost)
    second, _ = trained(config, "second", 0.7)
    assert of_experiment(config)[1].startswith("1 run on 1 data set; the best is [second](#/")
    other, _ = trained(config, "other", 0.6, dataset="d2")
    store, text = of_experiment(config)
    assert text.startswith("2 runs on 2 data sets. [All compared](#/experiments/")
    assert (second in text, other in text, lost in text) == (True, True, False)
    with start_run(config, "a sweep", {"sweep": "x=1,2"}) as parent:
        with start_run(ready(parent_run=parent.run_id), "job", {"dataset": "d1"}) as job:
            job.describe([], minimize=False)
        assert of_experiment(config)[1] == text  # its sweep tells of it
        parent.note("table:\n" + "\n".join(f"[{each}](run:{each})" for each in (lost, second)), minimize=False)
    assert of_experiment(config)[1].startswith("3 runs on 2 data sets, 1 sweep. ")
    note = logged(config, parent.run_id).data.tags[NOTE].splitlines()
    assert note == [
        "table:",
        f"[{second}](#/experiments/{store.experiment_id}/runs/{second}?workflowType=machine_learning)",
    ]


def test_of_many_runs_the_newest_are_counted_and_the_best_is_found_all_the_same(ready, monkeypatch):
    monkeypatch.setattr(description, "_COUNTED", 1)
    old, _ = trained(ready(), "old", 0.9)
    trained(ready(), "new", 0.5)
    text = of_experiment(ready())[1]
    assert text.startswith("1 run on 1 data set, of the newest 1; the best is [old](#/")
    assert old in text


def test_a_description_that_the_store_does_not_take_costs_no_run(ready, monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

        raise MlflowException("Permission denied", PERMISSION_DENIED)

    with start_run(ready(), "run", {}) as log:
        monkeypatch.setattr("mlflow.MlflowClient.set_tag", refuse)
        log.describe([], minimize=False)
        log.settle()
        monkeypatch.undo()
    assert logged(ready(), log.run_id).info.status == "FINISHED"
    assert "description is not kept up" in caplog.text
