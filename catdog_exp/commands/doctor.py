"""`catdog doctor`: what this machine has, and what is missing."""

from collections.abc import Sequence
from pathlib import Path

from catdog_exp.commands.arguments import Parser, split_overrides


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
    from catdog_exp.app.machine import machine_file
    from catdog_exp.commands.doctor_report import doctor

    config = run_config(overrides)
    name = config.chosen.get("machine", "default")
    print(f"Machine file\n  ok       {name}  {machine_file(name)}")
    return doctor(config.tracking.uri, Path(config.paths.outputs), conf_folders())
