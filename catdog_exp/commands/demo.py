"""`catdog demo`: a page to drop pictures on."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError
from catdog_exp.tracking.selecting import HOW


def main(words: Sequence[str]) -> int:
    """Serve the page until Ctrl-C."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    config = run_config(overrides)
    if not config.tracking.enabled:
        raise UserError("demo: tracking.enabled=false keeps no runs; leave that out")

    from catdog_exp.demo.server import serve_demo
    from catdog_exp.inference.trained_network import Runs

    runs = Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))
    code = serve_demo(runs, config.hardware, config.data.max_pixels, chosen.model, chosen.host, chosen.port)
    sys.stdout.flush()
    os._exit(code)  # what MXNet and others do at an exit takes seconds, and there is nothing to be done


def _parser() -> Parser:
    parser = Parser(
        "catdog demo",
        description="A page in the browser that answers about pictures dropped on it: label, probability, heat map. "
        "KEY=VALUE changes the config, such as paths.outputs=DIR.",
    )
    parser.add_argument(
        "--model",
        metavar="RUN",
        help=f"whose network is asked first (default: the registered champion, else the best run); {HOW}",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="name or address to serve on (default: this machine alone); it answers to no other names",
    )
    parser.add_argument("--port", type=int, default=5002, help="port to serve on (default: 5002)")
    return parser
