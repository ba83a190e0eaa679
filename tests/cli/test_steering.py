"""`catdog sweeps` and `catdog sweep`."""

import pytest

from catdog_exp.commands import sweep, sweeps
from catdog_exp.errors import UserError
from tests.cli.background import wait_until
from tests.cli.conftest import SMALL


def test_a_sweep_is_paused_resumed_and_cancelled_from_another_terminal(tmp_path, begin, capsys):
    with (tmp_path / "output").open("w") as output:
        words = [*SMALL, "train.epochs=30", "train.seed=range(0,6)", "sweep.jobs=1", "hydra.sweep.dir=outputs/sweep"]
        process = begin("-m", *words, stdout=output, stderr=output)
    here = f"paths.outputs={tmp_path / 'outputs'}"
    folder = tmp_path / "outputs" / "sweep"

    def listed():
        assert sweeps.main([here]) == 0
        *_, head, line = capsys.readouterr().out.splitlines()  # after what another command has said
        assert head.split()[:6] == ["sweep", "status", "done", "failed", "running", "best"]
        return line.split()[1:6]

    wait_until((folder / "0" / "progress.json").exists, process)
    assert sweep.main([here, "pause", "last"]) == 0
    assert "no new job begins" in capsys.readouterr().out
    wait_until(lambda: listed()[3] == "0", process)  # those that had begun have ended
    status, done, failed, _, best = listed()
    assert (status, failed) == ("paused", "0")
    assert 0 <= float(best) <= 1
    assert not (folder / done).exists()
    assert sweep.main([here, "resume", "last"]) == 0
    wait_until((folder / done / "progress.json").exists, process)
    assert listed()[0] == "running"
    assert sweep.main([here, "cancel", "last"]) == 0
    assert process.wait(60) == 143
    assert "not begun: cancelled" in (tmp_path / "output").read_text()
    status, ended, failed, running, _ = listed()
    assert (status, failed, running) == ("killed", "0", "0")
    assert (folder / "sweep.csv").read_text().count("stopped") == 6 - int(ended)
    with pytest.raises(UserError, match=r"is not under way; `catdog -m .*train.seed=.*` goes on with it"):
        sweep.main([here, "pause", "last"])
