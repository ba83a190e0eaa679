"""`catdog packs`: the packs that are there, whether they are whole, and those not needed any more."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError
from catdog_exp.tables import table

if TYPE_CHECKING:
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.packs.inventory import ShelvedPack

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHOWN_DAMAGE = 20  # lines about one pack
SHOWN_RUNS = 3  # ids in a line


def main(words: Sequence[str]) -> int:
    """List, verify or prune packs as `words` say; the result goes to standard output.

    Returns 1 where `verify` finds damage.
    """
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    config = run_config(overrides)
    folder = Path(config.paths.outputs) / "packs"
    if chosen.command == "verify":
        return _verify(folder, chosen.packs)
    if chosen.command == "prune":
        return _prune(config, folder, chosen.unused, chosen.older, chosen.yes)
    return _list(config, folder)


def _parser() -> Parser:
    parser = Parser(
        "catdog packs",
        description="List the packs of paths.outputs. KEY=VALUE changes the config, such as paths.outputs=DIR.",
    )
    commands = parser.add_subparsers(dest="command", metavar="verify | prune")
    verify = commands.add_parser("verify", help="read every record again and name what is damaged")
    verify.add_argument("packs", nargs="*", metavar="ID", help="fingerprints, or their first digits (default: all)")
    prune = commands.add_parser(
        "prune", help="remove packs, after asking", description="Remove packs that no run refers to, after asking."
    )
    prune.add_argument("--unused", action="store_true", help="those that no run refers to (where no option is given)")
    prune.add_argument("--older", metavar="AGE", type=_age, help="those made longer ago, such as 30d (m, h, d, w)")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if found is None:
        raise UserError(f"--older {text}: give a number and m, h, d or w (minutes, hours, days, weeks), such as 30d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _list(config: "RunConfig", folder: Path) -> int:
    from catdog_exp.packs.inventory import packs_in

    packs = packs_in(folder)
    if not packs:
        print(f"no packs in {folder}")
        return 0
    print(_table(packs, _runs_by_pack(config) if config.tracking.enabled else None))
    return 0


def _verify(folder: Path, names: Sequence[str]) -> int:
    from catdog_exp.packs.inventory import packs_named
    from catdog_exp.packs.verify import damage_in

    packs = packs_named(folder, names)
    damaged = 0
    for pack in packs:
        wrong = damage_in(pack.place, threads=len(os.sched_getaffinity(0)))
        if wrong:
            damaged += 1
            print(f"{pack.name}: damaged")
            print("\n".join(f"  {line}" for line in wrong[:SHOWN_DAMAGE]))
            if len(wrong) > SHOWN_DAMAGE:
                print(f"  and {len(wrong) - SHOWN_DAMAGE:,} more")
        elif pack.manifest is not None:
            print(f"{pack.name}: whole, {_pictures(pack)} pictures")
    print(f"packs in {folder}: {len(packs)}, damaged: {damaged}", file=sys.stderr)
    return 1 if damaged else 0


def _prune(config: "RunConfig", folder: Path, unused: bool, older: timedelta | None, yes: bool) -> int:
    from catdog_exp.packs.inventory import packs_in, remove_pack

    if not yes and not sys.stdin.isatty():
        raise UserError("packs prune: nobody can be asked here; give --yes to remove them without asking")
    unused = unused or older is None
    if unused and not config.tracking.enabled:
        raise UserError("packs prune: without tracking it is not known which packs are in use; give --older alone")
    runs = _runs_by_pack(config) if config.tracking.enabled else None
    packs = packs_in(folder)
    if unused and runs is not None:
        packs = [pack for pack in packs if pack.name not in runs]
    if older is not None:
        packs = [pack for pack in packs if datetime.now(UTC) - pack.made > older]
    if not packs:
        print(f"nothing to remove in {folder}")
        return 0
    print(_table(packs, runs))
    if not yes and not _agreed(f"remove {_count(packs)} from {folder}?"):
        print("nothing removed")
        return 0
    kept = [pack for pack in packs if not remove_pack(pack)]
    for pack in kept:
        print(f"{pack.name}: kept, a process is at work on it")
    print(f"removed {_count([pack for pack in packs if pack not in kept])}")
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _runs_by_pack(config: "RunConfig") -> Mapping[str, list[str]]:
    from catdog_exp.tracking.usage import runs_by_pack

    return runs_by_pack(config.tracking)


def _table(packs: Sequence["ShelvedPack"], runs: Mapping[str, list[str]] | None) -> str:
    rows = []
    for pack in packs:
        used = "not known" if runs is None else _run_names(runs.get(pack.name, []))
        age = _short_age(datetime.now(UTC) - pack.made)
        rows.append([pack.name, age, _size(pack.bytes), _pictures(pack), _settings(pack), used])
    head = ["pack", "age", "size", "pictures", "config", "runs"]
    return "\n".join(table(head, rows, right={1, 2, 3}, elastic=[4]))


def _run_names(runs: Sequence[str]) -> str:
    if not runs:
        return "none"
    names = " ".join(run[:8] for run in runs[:SHOWN_RUNS])
    return f"{len(runs)}: {names}{' …' if len(runs) > SHOWN_RUNS else ''}"


def _pictures(pack: "ShelvedPack") -> str:
    if pack.manifest is None:
        return "?"
    return " + ".join(f"{sum(counts.values()):,}" for counts in pack.manifest.counts.values())


def _settings(pack: "ShelvedPack") -> str:
    if pack.manifest is None:
        return "damaged: no manifest that can be read"
    from catdog_exp.packs.fingerprint import FORMAT

    names = ["resize", "quality", "split_ratio", "seed"]
    if pack.manifest.settings.get("test_ratio"):  # which an older pack has not
        names.append("test_ratio")
    if pack.manifest.settings.get("folds"):  # in place of the ratio
        names[2:3] = ["folds", "fold"]
    if pack.manifest.settings.get("shards", 1) > 1:
        names.append("shards")
    settings = " ".join(f"{name}={pack.manifest.settings[name]}" for name in names)
    older = " (of an earlier version: used by no new run)" if pack.manifest.format < FORMAT else ""
    return f"{','.join(pack.manifest.classes)} {settings}{older}"


def _count(packs: Sequence["ShelvedPack"]) -> str:
    return f"{len(packs)} {'pack' if len(packs) == 1 else 'packs'}, {_size(sum(pack.bytes for pack in packs))}"


def _size(count: int) -> str:
    size = count / 1000
    for unit in ("kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _short_age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
