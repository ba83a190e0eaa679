"""`catdog ui`: the MLflow UI on the configured store."""

from collections.abc import Sequence

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides


def main(words: Sequence[str]) -> int:
    """Serve the MLflow UI until Ctrl-C."""
    parser = Parser(
        "catdog ui",
        description="Serve the MLflow UI on the configured store. "
        "KEY=VALUE changes the config, such as paths.outputs=DIR.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=5000, help="port to serve on (default: 5000)")
    overrides, others = split_overrides(words)
    chosen = parser.parse_args(others)
    config = run_config(overrides)

    from catdog_exp.tracking.ui import serve_ui

    return serve_ui(config.tracking, chosen.host, chosen.port)
