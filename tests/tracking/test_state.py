import sqlite3
from contextlib import closing

import pytest

from catdog_exp.errors import UserError
from catdog_exp.tracking.state import store_state
from tests.tracking.starting import start_run


def test_a_store_that_is_not_there_is_not_made(tracking, tmp_path):
    assert store_state(tracking().uri).startswith("not there yet")
    assert list(tmp_path.iterdir()) == []


def test_runs_are_counted(ready):
    for _ in range(2):
        with start_run(ready(), "run", {}):
            pass
    assert store_state(ready().uri) == "2 runs, schema as this MLflow needs it"


def test_a_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("words, " * 300)
    with pytest.raises(UserError, match="cannot be read as an MLflow store: file is not a database"):
        store_state(f"sqlite:///{tmp_path}/notes.txt")


def test_an_older_schema_tells_how_to_upgrade(ready, tmp_path):
    with closing(sqlite3.connect(tmp_path / "store" / "mlflow.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'")
        database.commit()
    with pytest.raises(UserError, match="mlflow db upgrade sqlite:///"):
        store_state(ready().uri)


def test_a_newer_schema_and_a_damaged_file_are_told_without_an_upgrade(ready, tmp_path):
    file = tmp_path / "store" / "mlflow.db"
    whole = file.read_bytes()
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'b0a7d4c2e9f1'")
        database.commit()
    with pytest.raises(UserError, match="newer") as caught:
        store_state(ready().uri)
    assert "upgrade" not in str(caught.value)
    file.write_bytes(whole[:-8192] + bytes(255 - byte for byte in whole[-8192:]))
    with pytest.raises(UserError, match="move it away"):
        store_state(ready().uri)


def test_a_server_that_does_not_answer_is_refused():
    with pytest.raises(UserError, match="no MLflow server answers"):
        store_state("http://127.0.0.1:9")
