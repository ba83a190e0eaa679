"""`catdog doctor`: what this machine has, and what is missing."""

from collections.abc import Sequence
from pathlib import Path

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.facts import Fact


def main(words: Sequence[str]) -> int:
    """Print the report; 1 when something that runs need is missing."""
    overrides, others = split_overrides(words)
    Parser(
        "catdog doctor",
        description="What this machine has, and what is missing. "
        "KEY=VALUE changes the config, such as paths.outputs=DIR.",
    ).parse_args(others)

    from catdog_exp.app.compose import run_config
    from catdog_exp.app.conf_folders import conf_folders
    from catdog_exp.app.machine_files import machine_file
    from catdog_exp.commands.doctor_report import doctor

    config = run_config(overrides)
    name = config.chosen.get("machine", "default")
    print(f"Machine file\n  ok       {name}  {machine_file(name)}")
    why = [_setting(key, getattr(config.tracking, key), overrides) for key in ("uri", "experiment", "run")]
    return doctor(config.tracking.uri, Path(config.paths.outputs), conf_folders(), list(filter(None, why)))


def _setting(key: str, value: str | None, overrides: Sequence[str]) -> Fact | None:
    """Which value a key of the tracking has, and what says so; None where it has none."""
    from catdog_exp.app.compose import origin
    from catdog_exp.tracking.uris import without_password

    if value is None:
        return None
    key = f"tracking.{key}"
    given = any(word.lstrip("+~").startswith(f"{key}=") for word in overrides)
    by = "the command" if given else origin(key, overrides) or "the default"
    return Fact("ok", key, f"{without_password(value)}  (by {by})")
