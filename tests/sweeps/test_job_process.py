"""A job's process that cannot be had."""

import os
import socket

import pytest

from catdog_exp.errors import UserError
from catdog_exp.sweeps import job_process
from catdog_exp.sweeps.jobs import SWEEP, Sweep, write


@pytest.mark.timeout(60)
def test_a_fork_server_that_never_answers_is_given_up_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(job_process, "ANSWER_TIMEOUT", 0.5)
    address = tmp_path / "socket"
    write(tmp_path / SWEEP, Sweep(None, 1, str(address)))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(address))
        silent.listen()
        with pytest.raises(UserError) as told:
            job_process.start_job(tmp_path, 0, os.environ)
    assert str(told.value) == f"its process could not be started within 0.5 s; {tmp_path}/output may say why"
