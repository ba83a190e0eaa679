import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from catdog_exp.tracking.store import existing_store, open_store, tagged_runs
from catdog_exp.tracking.uris import sqlite_path
from tests.tracking.refusing import refusal

OPEN_AND_LOG = """
import sys
from catdog_exp.tracking.config import TrackingConfig
from tests.tracking.starting import start_run
config = TrackingConfig(enabled=True, uri=sys.argv[1], experiment="cats", artifacts=None, parent_run=None)
with start_run(config, "one of many", {}) as log:
    log.metrics({"val/accuracy": 0.5}, step=0)
"""


def test_an_empty_place_becomes_a_store_with_the_experiment_and_its_artifacts_beside_it(tracking, tmp_path):
    store = open_store(tracking())
    experiment = store.client.get_experiment(store.experiment_id)
    assert experiment.name == "cats"
    assert experiment.artifact_location == str(tmp_path / "store" / "artifacts")
    assert sorted(entry.name for entry in (tmp_path / "store").iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_opening_again_finds_the_same_experiment(ready):
    assert open_store(ready()).experiment_id == open_store(ready()).experiment_id


def test_a_configured_artifact_folder_is_made_absolute(tracking, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(tracking(uri="sqlite:///here.db", artifacts="files"))
    assert store.uri == f"sqlite:///{tmp_path}/here.db"
    assert store.client.get_experiment(store.experiment_id).artifact_location == str(tmp_path / "files")


def test_reading_makes_nothing(tracking, tmp_path):
    assert "no runs yet" in refusal(existing_store, tracking())
    assert list(tmp_path.iterdir()) == []
    open_store(tracking())
    assert "tracking.experiment=dogs" in refusal(existing_store, tracking(experiment="dogs"))


def test_a_deleted_experiment_is_refused_with_the_command_that_restores_it(ready):
    store = open_store(ready())
    store.client.delete_experiment(store.experiment_id)
    line = refusal(open_store, ready())
    assert f"mlflow experiments restore -x {store.experiment_id}" in line


def test_a_file_that_is_no_database_is_refused_at_once(tracking, tmp_path):
    (tmp_path / "notes.txt").write_text("no database at all, " * 100)
    started = time.monotonic()
    line = refusal(open_store, tracking(uri=f"sqlite:///{tmp_path}/notes.txt"))
    assert "notes.txt" in line
    assert "not a database" in line
    assert time.monotonic() - started < 10


def test_another_programs_database_is_refused_and_left_alone(tracking, tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE studies (id INTEGER)")
    before = path.read_bytes()
    assert "no MLflow store" in refusal(open_store, tracking(uri=f"sqlite:///{path}"))
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tracking, tmp_path):
    (tmp_path / "file").touch()
    assert f"{tmp_path}/file/mlflow.db" in refusal(open_store, tracking(uri=f"sqlite:///{tmp_path}/file/mlflow.db"))


def test_a_database_that_another_process_holds_is_named(ready, tmp_path, monkeypatch):
    open_store(ready())
    monkeypatch.setattr("catdog_exp.tracking.sqlite_file.BUSY_TIMEOUT", 0.2)
    with closing(sqlite3.connect(tmp_path / "store" / "mlflow.db")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert "locked" in refusal(open_store, ready())


@pytest.mark.parametrize("action", [open_store, existing_store, lambda config: tagged_runs(config, "any")])
def test_a_store_of_another_mlflow_is_named_and_told_what_can_be_done(ready, tmp_path, action):
    file = tmp_path / "store" / "mlflow.db"
    for schema, advice in (("acf3f17fdcc7", "mlflow db upgrade"), ("b0a7d4c2e9f1", "newer")):
        with closing(sqlite3.connect(file)) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", [schema])
            database.commit()
        before = file.read_bytes()
        line = refusal(action, ready())
        assert advice in line
        assert ("mlflow db upgrade" in line) == (advice != "newer")
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:4096] + bytes(255 - byte for byte in whole[4096:]),
        lambda whole: b"\0" * 4096 + whole[4096:],
        lambda whole: whole[:0],
    ],
)
def test_a_damaged_store_is_told_with_what_to_do(ready, tmp_path, damage):
    file = tmp_path / "store" / "mlflow.db"
    file.write_bytes(damage(file.read_bytes()))
    line = refusal(existing_store, ready())
    assert str(file) in line
    assert "move it away" in line


def test_a_store_left_empty_is_made_anew_and_says_so(ready, tmp_path, caplog):
    (tmp_path / "store" / "mlflow.db").write_bytes(b"")
    assert open_store(ready()).experiment == "cats"
    assert "mlflow.db is empty: a new store takes its place" in caplog.text


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "sqlite:///", "ftp://host/x", "sqlite:///a%20b.db"])
def test_a_place_where_mlflow_keeps_no_runs_is_refused(tracking, uri):
    assert refusal(open_store, tracking(uri=uri)).startswith(f"tracking.uri={uri}: ")


@pytest.mark.parametrize(
    ("scheme", "package"),
    [
        ("postgresql", "psycopg"),  # which of the two, its libraries decide
        ("postgresql+psycopg2", "psycopg2-binary"),
        ("mysql", "mysqlclient"),
        ("mysql+pymysql", "pymysql"),
        ("mssql", "pyodbc"),
    ],
)
@pytest.mark.parametrize("action", [open_store, existing_store, lambda config: tagged_runs(config, "any")])
def test_a_database_without_its_driver_names_the_package(tracking, monkeypatch, scheme, package, action):
    for module in ("psycopg", "psycopg2", "MySQLdb", "pymysql", "pyodbc"):
        monkeypatch.setitem(sys.modules, module, None)
    line = refusal(action, tracking(uri=f"{scheme}://user:secret@127.0.0.1:9/runs"))
    assert line.startswith(f"tracking.uri={scheme}://user:***@127.0.0.1:9/runs: ")
    assert f"`pip install '{package}" in line


@pytest.mark.parametrize(
    ("artifacts", "told"),
    [
        ("mlflow-artifacts:/", "only a server can reach"),
        ("{tmp}/file/files", "cannot write"),
    ],
)
def test_files_that_this_machine_cannot_keep_are_told_before_any_work(ready, tmp_path, artifacts, told):
    (tmp_path / "file").touch()
    line = refusal(open_store, ready(artifacts=artifacts.format(tmp=tmp_path)))
    assert told in line
    assert "tracking.artifacts=DIR" in line


def test_an_odd_folder_name_is_no_trouble(tracking, tmp_path):
    folder = tmp_path / "a b#c ü"
    store = open_store(tracking(uri=f"sqlite:///{folder}/mlflow.db"))
    run = store.client.create_run(store.experiment_id)
    store.client.log_text(run.info.run_id, "hello", "note.txt")
    assert (folder / "artifacts" / run.info.run_id / "artifacts" / "note.txt").read_text() == "hello"


@pytest.mark.slow
def test_eight_processes_at_once_on_nothing_make_one_store_and_one_experiment(tracking):
    command = [sys.executable, "-c", OPEN_AND_LOG, tracking().uri]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(8)]
    outputs = [process.communicate(timeout=200)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 8, outputs
    assert outputs == [""] * 8
    store = existing_store(tracking())
    names = [experiment.name for experiment in store.client.search_experiments()]
    assert sorted(names) == ["Default", "cats"]
    assert [run.info.status for run in store.runs()] == ["FINISHED"] * 8


def test_importing_the_package_imports_no_mlflow():
    code = (
        "import sys, catdog_exp.commands.doctor_report, catdog_exp.sweeps.plugins;"
        "from catdog_exp.tracking import best_run, run_list, run_lookup, run, selecting, state, store, ui;"
        "print(sorted({'mlflow', 'sqlalchemy', 'psutil', 'filelock'} & set(sys.modules)))"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_paths_are_those_of_this_test(tmp_path: Path, ready):
    # No stray store, such as ./mlflow.db or ./mlruns, is made where the process stands.
    code = OPEN_AND_LOG
    subprocess.run([sys.executable, "-c", code, ready().uri], cwd=tmp_path, check=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_what_belongs_to_many_runs_is_found_by_an_index(ready):
    """Without statistics SQLite compares each run with the figures of all."""
    config = ready()
    store = open_store(config)
    path = sqlite_path(store.uri)
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "INSERT INTO runs (run_uuid, experiment_id, lifecycle_stage, status, start_time, artifact_uri, user_id) "
            "VALUES (?, ?, 'active', 'FINISHED', ?, '/nowhere', 'ann')",
            [(f"{number:032}", store.experiment_id, number) for number in range(10_000)],
        )
        database.executemany(
            "INSERT INTO latest_metrics (run_uuid, key, value, step, is_nan) VALUES (?, 'objective', ?, 0, 0)",
            [(f"{number:032}", number / 10_000) for number in range(10_000)],
        )
    started = time.process_time()
    (best,) = existing_store(config).runs("", ("metrics.objective DESC",), limit=1)
    assert time.process_time() - started < 1
    assert best.info.run_id == f"{9999:032}"
