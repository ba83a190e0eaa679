from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.usage import runs_by_pack
from tests.tracking.starting import start_run


def _run(config, pack=None):
    with start_run(config, "run", {}) as log:
        if pack is not None:
            log.tags({"pack": pack})
    return log.run_id


def test_runs_of_every_experiment_are_found_by_their_pack(ready):
    first = _run(ready(), "aa")
    _run(ready())
    second = _run(ready(experiment="dogs"), "aa")
    third = _run(ready(), "bb")
    assert runs_by_pack(ready(experiment="never made")) == {"aa": [second, first], "bb": [third]}


def test_a_deleted_run_uses_nothing(ready):
    run = _run(ready(), "aa")
    open_store(ready()).client.delete_run(run)
    assert runs_by_pack(ready()) == {}


def test_where_no_store_is_yet_no_run_uses_anything_and_none_is_made(tracking, tmp_path):
    assert runs_by_pack(tracking()) == {}
    assert list(tmp_path.iterdir()) == []
