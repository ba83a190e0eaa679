"""`catdog packs`, and packs under rough treatment."""

import fcntl
import os
import pty
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from catdog_exp.packs.manifest import read_manifest, write_manifest
from tests.cli.conftest import SMALL
from tests.cli.forked import forked
from tests.cli.store import runs
from tests.conftest import REPOSITORY

PACK_ONLY = [*SMALL, "tracking=none", "stages=[pack]"]
UNUSED = [*PACK_ONLY, "data.resize=18", "data.test_ratio=0.2"]  # makes the pack that no run has used


def _packs(folder: Path) -> list[Path]:
    return sorted(place for place in (folder / "outputs" / "packs").iterdir() if len(place.name) == 16)


@pytest.fixture(scope="module")
def both(finished, tmp_path_factory):
    """A folder with the pack of a run that is tracked, and one that no run has used. To be copied."""
    folder = tmp_path_factory.mktemp("packs") / "both"
    shutil.copytree(finished[0], folder)
    done = forked(UNUSED, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def used_and_unused(finished, both, tmp_path):
    """A folder with a pack that a tracked run used, and one that none did; and the two packs."""
    folder = shutil.copytree(both, tmp_path / "both")
    (used,) = (folder / "outputs" / "packs" / pack.name for pack in _packs(finished[0]))
    (unused,) = (pack for pack in _packs(folder) if pack != used)
    return folder, used, unused


def test_packs_are_listed_with_what_they_hold_and_who_used_them(used_and_unused, catdog):
    folder, used, unused = used_and_unused
    done = catdog("packs", cwd=folder)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["pack", "age", "size", "pictures", "config", "runs"]
    rows = {line.split()[0]: line for line in lines}
    assert rows.keys() == {used.name, unused.name}
    (run,) = runs(folder)
    assert rows[used.name].endswith(f"1: {run.info.run_id[:8]}")
    assert "48 + 12" in rows[used.name]
    assert "cat,dog resize=16 quality=95 split_ratio=0.8 seed=0" in rows[used.name]
    assert " min " in rows[used.name]
    assert " kB " in rows[used.name]
    assert "38 + 10 + 12" in rows[unused.name]
    assert "split_ratio=0.8 seed=0 test_ratio=0.2" in rows[unused.name]
    assert rows[unused.name].endswith("none")


def test_a_pack_of_an_earlier_version_is_listed_as_whole_and_not_used(used_and_unused, catdog):
    folder, _, unused = used_and_unused
    manifest = read_manifest(unused)
    write_manifest(unused, replace(manifest, format=manifest.format - 1))
    listed = catdog("packs", "tracking=none", cwd=folder)
    (line,) = (line for line in listed.stdout.splitlines() if line.startswith(unused.name))
    assert "(of an earlier version: used by no new run)" in line
    verified = catdog("packs", "verify", unused.name, cwd=folder)
    assert verified.stdout.splitlines() == [f"{unused.name}: whole, 38 + 10 + 12 pictures"]


def test_where_runs_are_not_tracked_their_use_is_not_known(finished, catdog):
    done = catdog("packs", "tracking=none", f"paths.outputs={finished[0]}/outputs")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].endswith("not known")


def test_no_packs_are_no_mistake(catdog, tmp_path):
    for words in (["packs"], ["packs", "verify"], ["packs", "prune", "--yes"]):
        done = catdog(*words)
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "outputs").exists()


def test_verify_names_what_is_damaged_and_ends_with_1(used_and_unused, catdog):
    folder, used, unused = used_and_unused
    done = catdog("packs", "verify", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"{used.name}: whole, 48 + 12 pictures" in done.stdout
    rec = used / "train_file.rec"
    content = bytearray(rec.read_bytes())
    content[0] ^= 1
    rec.write_bytes(content)
    done = catdog("packs", "verify", cwd=folder)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"{unused.name}: whole, 38 + 10 + 12 pictures" in lines
    place = lines.index(f"{used.name}: damaged")
    assert lines[place + 1] == "  train_file.rec has other bytes than when it was made"
    assert lines[place + 2].startswith("  train_file.rec: record 0 (")
    assert catdog("packs", "verify", unused.name[:8], cwd=folder).returncode == 0
    assert catdog("packs", "verify", used.name, cwd=folder).returncode == 1


def test_a_run_makes_a_damaged_pack_again_and_says_so(used_and_unused, catdog):
    folder, _, unused = used_and_unused
    os.truncate(unused / "validation_file.rec", 100)
    done = catdog(*UNUSED, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"pack {unused} is damaged: validation_file.rec has 100 bytes" in done.stdout
    assert f"pack {unused} is made anew" in done.stdout
    assert catdog("packs", "verify", cwd=folder).returncode == 0


def test_repack_makes_it_anew(used_and_unused, catdog):
    folder, _, unused = used_and_unused
    done = catdog(*UNUSED, "data.repack=true", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "packed 38 + 10 + 12 pictures" in done.stdout
    assert unused in _packs(folder)


def test_prune_removes_what_no_run_refers_to(used_and_unused, catdog):
    folder, used, unused = used_and_unused
    done = catdog("packs", "prune", "--yes", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert unused.name in done.stdout
    assert used.name not in done.stdout
    assert "removed 1 pack, " in done.stdout
    assert _packs(folder) == [used]


def test_prune_removes_what_is_older(used_and_unused, catdog):
    folder, used, unused = used_and_unused
    done = catdog("packs", "prune", "--older", "1d", "--yes", "tracking=none", cwd=folder)
    assert "nothing to remove" in done.stdout
    assert _packs(folder) == sorted([used, unused])
    done = catdog("packs", "prune", "--unused", "--older", "0m", "--yes", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert _packs(folder) == [used]
    done = catdog("packs", "prune", "--older", "0m", "--yes", "tracking=none", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert _packs(folder) == []


def test_prune_leaves_a_pack_that_a_process_is_at_work_on(used_and_unused, catdog):
    folder, used, unused = used_and_unused
    with (unused.parent / f".{unused.name}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = catdog("packs", "prune", "--yes", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert f"{unused.name}: kept, a process is at work on it" in done.stdout
    assert _packs(folder) == sorted([used, unused])


@pytest.mark.parametrize(("answer", "removed"), [("y", True), ("n", False), ("", False), ("\x04", False)])
def test_prune_asks_on_a_terminal(used_and_unused, command, environment, answer, removed):
    folder, used, unused = used_and_unused
    words = ["packs", "prune", "--older", "0m", "tracking=none"]
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        [command, *words], cwd=folder, env=environment, stdin=terminal, stdout=subprocess.PIPE, text=True
    ) as process:
        os.close(terminal)
        os.write(ours, answer.encode() if answer == "\x04" else f"{answer}\n".encode())
        said = process.communicate(timeout=120)[0]
    os.close(ours)
    assert process.returncode == 0
    assert "remove 2 packs, " in said
    assert "[y/N]" in said
    assert _packs(folder) == ([] if removed else sorted([used, unused]))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["prune"], "give --yes"),
        (["prune", "--older", "1"], "--older 1: give a number and m, h, d or w"),
        (["prune", "--yes", "tracking=none"], "give --older alone"),
        (["verify", "ffff"], "pack ffff: there is none in"),
    ],
)
def test_a_mistake_is_told_in_one_line(catdog, words, told):
    done = catdog("packs", *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert told in line


def test_words_that_are_no_command_are_told(catdog):
    done = catdog("packs", "remove")
    assert done.returncode == 2
    assert "remove" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_killed_and_started_many_times_at_once_there_is_one_whole_pack(environment):
    script = REPOSITORY / "benchmarks" / "pack_kill.py"
    words = ["--pictures", "400", "--kills", "3", "--processes", "4", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, script, *words], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 processes, 4 succeeded, 1 made the pack, 3 used it" in done.stdout
