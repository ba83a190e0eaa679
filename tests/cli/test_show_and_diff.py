"""`catdog show` and `catdog diff`."""

import shutil

from tests.cli.conftest import SMALL
from tests.cli.store import runs


def test_two_runs_are_shown_and_compared(finished, tmp_path, catdog):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    second = catdog(*SMALL, "train.lr=0.03", "data.classes=[cat,dog]", cwd=folder)
    assert second.returncode == 0, second.stderr
    one, two = (run.info.run_id for run in runs(folder))

    shown = catdog("show", two[:10], cwd=folder)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(f"run {two} (")
    assert any(line.split() == ["data.resize", "16"] for line in lines)
    assert any(line.startswith("best/accuracy ") for line in lines)
    assert {"evaluation.json", "config/config.yaml", "checkpoints/best.safetensors"} <= set(lines)
    words = f"{' '.join(SMALL)} train.lr=0.03 'data.classes=[cat,dog]'"  # as a shell takes them
    assert lines[-2:] == [f"started with: catdog {words}", f"to repeat it: catdog rerun {two[:8]}"]

    compared = catdog("diff", one[:8], "last", "--plot", "curves.png", cwd=folder)
    assert compared.returncode == 0, compared.stderr
    settings = compared.stdout.split("\n\n")[0].splitlines()
    assert [line.split() for line in settings] == [["setting", one[:8], two[:8]], ["train.lr", "0.003", "0.03"]]
    assert "pictures: no difference" in compared.stdout
    assert "pictures that both were judged on" in compared.stdout
    assert (folder / "curves.png").stat().st_size > 10_000

    for words, told in (
        (["diff", one], "two runs or more"),
        (["diff", one, "nosuch"], "run nosuch: there is none in"),
        (["show", one, "tracking.experiment=other"], "no such experiment"),
        (["diff", one, two, "--plot", "x.jpg"], "name a .png file"),
    ):
        done = catdog(*words, cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1
