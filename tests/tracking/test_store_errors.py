"""What a store's errors tell the user."""

import errno
import os

import pytest
from mlflow.exceptions import MlflowException

from catdog_exp.errors import UserError
from catdog_exp.tracking.store_errors import plain_errors

AUTOFLUSH = (
    "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is "
    "occurring prematurely)\n"
)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            MlflowException(f"{AUTOFLUSH}(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT]"),
            "disk is full",
        ),
        (MlflowException(f"{AUTOFLUSH}(sqlite3.OperationalError) no such table: runs"), "no such table: runs"),
        (MlflowException("(sqlite3.OperationalError) attempt to write a readonly database"), "may not write"),
        (MlflowException("No Experiment with id=403 exists"), "No Experiment with id=403 exists"),
        (MlflowException("(sqlite3.DatabaseError) database disk image is malformed"), "move it away"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (ModuleNotFoundError("No module named 'google.cloud'", name="google.cloud"), "google-cloud-storage"),
    ],
)
def test_the_real_reason_is_one_line(error, told):
    with pytest.raises(UserError, match=told) as caught, plain_errors("sqlite:////x/mlflow.db"):
        raise error
    line = str(caught.value)
    assert "sqlite:////x/mlflow.db" in line
    assert "\n" not in line
    assert "autoflush" not in line


def test_a_mistake_of_ours_is_none_of_the_store_s():
    with pytest.raises(ModuleNotFoundError), plain_errors("sqlite:////x/mlflow.db"):
        raise ModuleNotFoundError("No module named 'catdog_exp.nothing'", name="catdog_exp.nothing")
