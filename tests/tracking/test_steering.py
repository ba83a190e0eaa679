"""A sweep is asked to pause, go on or end by those who reach its store, though not its folder."""

from catdog_exp.tracking import steering
from catdog_exp.tracking.steering import FOLDER, PAUSE, STOP, steer
from catdog_exp.tracking.store import open_store
from catdog_exp.tracking.sweep_list import listed_sweeps
from tests.clusters import wait_for
from tests.tracking.reading import logged
from tests.tracking.starting import start_run


def test_what_is_asked_at_the_store_reaches_the_sweep_s_folder(ready, tmp_path, monkeypatch):
    monkeypatch.setattr(steering, "LOOK_EVERY", 0.05)
    config, folder = ready(), tmp_path / "sweep"
    folder.mkdir()
    store = open_store(config)
    with start_run(config, "sweep", {"sweep": "train.seed=1,2", FOLDER: str(folder)}) as parent:
        run = logged(config, parent.run_id)
        run.data.tags[FOLDER] = str(tmp_path / "of another machine")
        for wish, files, status in (("pause", [PAUSE], "paused"), ("go", [], "running"), ("cancel", [STOP], "running")):
            steer(store, run, wish)
            assert next(iter(listed_sweeps(store, 1, minimize=False)))["status"] == status
            wait_for(lambda: sorted(path.name for path in folder.iterdir()) == files, wish, 20)  # noqa: B023
    assert (folder / STOP).read_text() == "cancelled"
