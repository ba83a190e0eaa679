"""`catdog doctor`: what this machine has, and what is missing."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.commands.arguments import split_overrides


def main(words: Sequence[str]) -> int:
    """Print the report; 1 when something that runs need is missing."""
    parser = argparse.ArgumentParser("catdog doctor", description="What this machine has, and what is missing.")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="as for a run, such as paths.outputs=DIR")
    overrides, others = split_overrides(parser.parse_args(words).settings)
    if others:
        parser.error(f"unexpected: {' '.join(others)}")

    from catdog_exp.app.compose import run_config
    from catdog_exp.app.conf_folders import conf_folders
    from catdog_exp.commands.doctor_report import doctor

    config = run_config(overrides)
    return doctor(config.tracking.uri, Path(config.paths.outputs), conf_folders())
