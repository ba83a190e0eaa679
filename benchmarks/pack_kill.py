"""Packing, killed at random moments and started many times at once: is there always one whole pack, and nothing else?

    python benchmarks/pack_kill.py [--root DIR] [--pictures 2000] [--kills 50] [--processes 8]

Kills: `catdog … stages=[pack]` is ended by SIGKILL at a random moment between its first file and its last; every
second time it is making a pack anew (`data.repack=true`) where one is there already. Then the same command runs
to its end. What must be there: the pack, every file of it to the byte as an undisturbed run makes it, found whole by
`catdog packs verify`, and beside it only locks and the digests of the pictures.

Processes: as many of the same command are started at once where there is no pack. One must make it, and all succeed.

Prints what was seen, and ends with 1 where anything was not as it must be.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from catdog_exp.sources.synthetic.source import Synthetic

CATDOG = Path(sys.executable).with_name("catdog")
SETTLED = 2.1  # seconds after which the digest of a picture is remembered
KEPT = (".lock", ".json", ".digests")  # endings of what may lie beside the pack


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with a folder of pictures for each class (default: drawn)")
    parser.add_argument("--pictures", type=int, default=2000, help="how many to draw where no root is given")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pack_kill-") as temporary:
        folder = Path(temporary)
        source = Synthetic(str(folder / "pictures"), chosen.pictures, seed=0)
        root = chosen.root or source.listing(["cat", "dog"]).root
        time.sleep(SETTLED)
        wrong = _kills(folder, root, chosen.kills, random.Random(chosen.seed))
        wrong += _at_once(folder, root, chosen.processes)
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def _command(root: Path, outputs: Path) -> list[str]:
    settings = ["data=folder", f"data.root={root.absolute()}", "stages=[pack]", "tracking=none"]
    return [str(CATDOG), *settings, f"paths.outputs={outputs}"]


def _kills(folder: Path, root: Path, kills: int, chance: random.Random) -> list[str]:
    reference = folder / "reference"
    new, anew = _undisturbed(root, reference)
    print(f"undisturbed: {new:.2f} s from the first file to the pack, {anew:.2f} s where it is made anew")
    expected = _files(reference)
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for number in range(kills):
        outputs = folder / f"kill-{number}"
        command = _command(root, outputs)
        longest = new
        if number % 2:
            subprocess.run(command, check=True, capture_output=True)
            command.append("data.repack=true")
            longest = anew
        moment = chance.uniform(0, longest)
        seen[_kill(command, outputs / "packs", moment, anew=bool(number % 2))] += 1
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        if again.returncode:
            wrong.append(f"kill {number}: the same command ends with {again.returncode}: {again.stderr[-300:]}")
            continue
        verify = [str(CATDOG), "packs", "verify", f"paths.outputs={outputs}"]
        verified = subprocess.run(verify, capture_output=True, text=True, check=False)
        if verified.returncode:
            wrong.append(f"kill {number}: {verified.stdout}{verified.stderr}")
        if _files(outputs) != expected:
            wrong.append(f"kill {number}: not the pack of an undisturbed run")
        if left := _leftovers(outputs / "packs"):
            wrong.append(f"kill {number}: left behind: {', '.join(left)}")
    print(f"kills: {kills}, of which ended in anything but one whole pack: {len(wrong)}; what each kill left:")
    for what, count in seen.most_common():
        print(f"  {count:3}  {what}")
    return wrong


def _undisturbed(root: Path, outputs: Path) -> tuple[float, float]:
    """Seconds from the first file in the packs' folder to the end, for a new pack and for one made anew."""
    seconds = []
    for words in ([], ["data.repack=true"]):
        process = subprocess.Popen(
            [*_command(root, outputs), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_until(partial(_begun, outputs / "packs", anew=bool(words)), process)
        start = time.perf_counter()
        _wait_until(lambda: not list((outputs / "packs").glob(".*.owner")) and _packs(outputs / "packs") != [], process)
        seconds.append(time.perf_counter() - start)
        if process.wait():
            raise SystemExit("the undisturbed run has failed")
    return seconds[0], seconds[1]


def _kill(command: list[str], packs: Path, moment: float, *, anew: bool) -> str:
    """Kill the command `moment` seconds after it has begun; returns what it left, in words."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    _wait_until(lambda: _begun(packs, anew=anew), process)
    time.sleep(moment)
    ended = process.poll() is not None
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    names = [entry.name for entry in packs.iterdir()]
    what = [
        *(["a pack being made"] if any(name.endswith(".making") for name in names) else []),
        *(["an old pack put away"] if any(name.endswith(".old") for name in names) else []),
        *(["a whole pack"] if _packs(packs) else []),
        *(["the owner of a lock"] if any(name.endswith(".owner") for name in names) else []),
    ]
    return ("it had ended: " if ended else "") + (", ".join(what) or "the digests of the pictures at most")


def _begun(packs: Path, *, anew: bool) -> bool:
    return bool(list(packs.glob(".*.owner"))) if anew else (packs / ".digests").is_dir()


def _at_once(folder: Path, root: Path, count: int) -> list[str]:
    outputs = folder / "at-once"
    command = _command(root, outputs)
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(count)
    ]
    said = [process.communicate()[0] for process in processes]
    codes = [process.returncode for process in processes]
    made = sum("packed " in text for text in said)
    reused = sum("is there already" in text for text in said)
    waited = sum("waiting for process " in text for text in said)
    print(
        f"at once: {count} processes, {codes.count(0)} succeeded, {made} made the pack, {reused} used it, "
        f"{waited} said for which process they wait"
    )
    left = _leftovers(outputs / "packs")
    if codes != [0] * count or made != 1 or reused != count - 1 or left:
        return [f"at once: exit codes {codes}, made {made}, used {reused}, left behind {left}"]
    return []


def _packs(packs: Path) -> list[Path]:
    return [entry for entry in packs.iterdir() if len(entry.name) == 16 and entry.is_dir()]


def _files(outputs: Path) -> dict[str, object]:
    """The files of the packs there, with their digests."""
    manifests = [json.loads((pack / "manifest.json").read_text()) for pack in _packs(outputs / "packs")]
    return {
        f"{manifest['fingerprint']}/{name}": file for manifest in manifests for name, file in manifest["files"].items()
    }


def _leftovers(packs: Path) -> list[str]:
    entries = [*packs.iterdir(), *(packs / ".digests").iterdir()]
    return [entry.name for entry in entries if not entry.name.endswith(KEPT) and entry not in _packs(packs)]


def _wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    while not condition() and process.poll() is None:
        time.sleep(0.001)


if __name__ == "__main__":
    sys.exit(main())
