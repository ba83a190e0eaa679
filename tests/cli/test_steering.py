"""`catdog sweeps` and `catdog sweep`."""

import pytest

from catdog_exp.commands import sweep, sweeps
from catdog_exp.errors import UserError
from tests.cli.background import wait_until
from tests.cli.conftest import SMALL


def test_a_sweep_is_paused_resumed_and_cancelled_from_another_terminal(tmp_path, begin, capsys):
    with (tmp_path / "output").open("w") as output:
        words = [*SMALL, "train.epochs=30", "train.seed=1,2,3", "sweep.jobs=1", "hydra.sweep.dir=outputs/sweep"]
        process = begin("-m", *words, stdout=output, stderr=output)
    here = f"paths.outputs={tmp_path / 'outputs'}"
    folder = tmp_path / "outputs" / "sweep"

    def listed():
        assert sweeps.main([here]) == 0
        head, line, *_ = capsys.readouterr().out.splitlines()
        assert head.split()[:6] == ["sweep", "status", "done", "failed", "running", "best"]
        return line.split()[1:6]

    wait_until((folder / "0" / "progress.json").exists, process)
    assert sweep.main([here, "pause", "last"]) == 0
    assert "no new job begins" in capsys.readouterr().out
    wait_until((folder / "0" / "result.json").exists, process)
    wait_until(lambda: "0:" in (tmp_path / "output").read_text(), process)
    status, done, failed, running, best = listed()
    assert (status, done, failed, running) == ("paused", "1", "0", "0")
    assert 0 <= float(best) <= 1
    assert not (folder / "1").exists()
    assert sweep.main([here, "resume", "last"]) == 0
    wait_until((folder / "1" / "progress.json").exists, process)
    assert listed()[:4] == ["running", "1", "0", "1"]
    assert sweep.main([here, "cancel", "last"]) == 0
    assert process.wait(30) == 143
    text = (tmp_path / "output").read_text()
    assert "not begun: cancelled" in text
    assert "2 of 3 jobs have no result; the same command runs those alone" in text or "stopped" in text
    assert (folder / "sweep.csv").read_text().count("stopped") == 2
    assert listed()[:4] == ["killed", "1", "0", "0"]
    with pytest.raises(UserError, match=r"is not under way; `catdog -m .*train.seed=1,2,3.*` goes on with it"):
        sweep.main([here, "pause", "last"])
