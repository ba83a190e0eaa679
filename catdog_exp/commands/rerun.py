"""`catdog rerun`: a run once more, from what MLflow keeps of it."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.errors import UserError
from catdog_exp.tracking.selecting import HOW
from catdog_exp.training.objective import OBJECTIVES

HERE = ("paths.", "tracking.")  # keys that say where things are kept, not what the run is


def main(words: Sequence[str]) -> int:
    """Run again the run that `words` name; with --verify, 1 where it comes to another result."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    here = [word for word in overrides if word.startswith(HERE)]
    selected = Selected("rerun", here)
    record = selected.record(chosen.run)
    paths, tracking = (dataclasses.asdict(part) for part in (selected.config.paths, selected.config.tracking))
    settings = _moved(record.settings, str(record.settings["paths"]["outputs"]), str(paths["outputs"]))
    settings |= {"paths": paths, "tracking": tracking, "rerun_of": record.run_id, "if_exists": "new"}
    data = settings["data"]
    if data.get("root") is not None and data["source"].get("root") == data["root"]:
        data["source"]["root"] = "${data.root}"  # so that data.root=DIR moves both

    from catdog_exp.app.main import main as run

    with tempfile.TemporaryDirectory(prefix="catdog-") as folder:
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
        run([*(word for word in overrides if word not in here), "--config-path", folder, "--config-name", "config"])
    return _verify(selected, record.run_id) if chosen.verify else 0


def _moved(value: Any, old: str, new: str) -> Any:
    """`value` with the folder `old` replaced by `new` in all paths in it."""
    if isinstance(value, Mapping):
        return {key: _moved(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, old, new) for each in value]
    return new + value[len(old) :] if isinstance(value, str) and f"{value}/".startswith(f"{old}/") else value


def _verify(selected: Selected, run_id: str) -> int:
    """Print whether the run's newest repetition has the same parameters and metrics; 1 where it has not."""
    from catdog_exp.tracking.record import RERUN_OF, history

    again = next(iter(selected.store.runs(f"tags.{RERUN_OF} = '{run_id}'", limit=1)), None)
    if again is None:
        raise UserError("rerun: with tracking.enabled=false there is nothing to verify by")
    first, second = (selected.record(each) for each in (run_id, str(again.info.run_id)))
    keys = [key for key in OBJECTIVES if key in first.metrics]
    before, after = (history(selected.store, record.run_id, keys) for record in (first, second))
    digests = [record.tags.get("params_sha256", "none") for record in (first, second)]
    differing = sum(left != right for left, right in zip(before, after, strict=False)) + abs(len(before) - len(after))
    if digests[0] == digests[1] and not differing:
        print(f"the same: parameters (sha256 {digests[0][:16]}…) and the metrics of {len(before)} epochs")
        return 0
    print(f"not the same: parameters {digests[0][:16]}… and {digests[1][:16]}…; metrics of {differing} epochs differ")
    return 1


def _parser() -> Parser:
    parser = Parser(
        "catdog rerun",
        description="Repeat a run from its record at MLflow alone, in this folder, on this machine. KEY=VALUE changes "
        "a setting, such as data.root=DIR, where the pictures are here.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare parameters and metrics with the run's; exit code 1 if they differ",
    )
    return parser
