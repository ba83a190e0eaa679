"""`catdog ui`: the MLflow UI on the configured store."""

import argparse
from collections.abc import Sequence

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import split_overrides


def main(words: Sequence[str]) -> int:
    """Serve the MLflow UI until Ctrl-C."""
    parser = argparse.ArgumentParser("catdog ui", description="Serve the MLflow UI on the configured store.")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="as for a run, such as paths.outputs=DIR")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=5000, help="port to serve on (default: 5000)")
    chosen = parser.parse_args(words)
    overrides, others = split_overrides(chosen.settings)
    if others:
        parser.error(f"unexpected: {' '.join(others)}")
    config = run_config(overrides)

    from catdog_exp.tracking.ui import serve_ui

    return serve_ui(config.tracking, chosen.host, chosen.port)
