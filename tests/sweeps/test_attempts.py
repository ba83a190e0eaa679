"""The folder in which the processes of sweeps meet."""

import multiprocessing
from multiprocessing.util import get_temp_dir
from pathlib import Path

from catdog_exp.sweeps.attempts import MARK, start_server


def test_a_folder_that_is_another_process_s_is_not_taken_for_a_sweep_s_own():
    mark = Path(get_temp_dir()) / MARK
    before = mark.exists()
    process = multiprocessing.get_context("spawn").Process(target=start_server)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert mark.exists() == before
