"""`catdog serve`: a run's network behind HTTP."""

from collections.abc import Sequence

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.errors import UserError
from catdog_exp.tracking.selecting import HOW

MOST_WORKERS = 256


def main(words: Sequence[str]) -> int:
    """Serve the model of the run that `words` name until Ctrl-C."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    if not 1 <= chosen.workers <= MOST_WORKERS:
        raise UserError(f"serve: --workers {chosen.workers}: give 1 to {MOST_WORKERS}")
    selected = Selected("serve", overrides)

    from catdog_exp.tracking.registry import model_files
    from catdog_exp.tracking.serving import serve_model

    record = selected.record(chosen.run)
    with model_files(selected.store, record.run_id) as folder:
        what = f"the network of run {record.short} ({record.name})"
        return serve_model(folder, what, chosen.host, chosen.port, chosen.workers)


def _parser() -> Parser:
    parser = Parser(
        "catdog serve",
        description="Serve a run's network by MLflow's scoring server: pictures in Base64 in, labels and probabilities "
        "out. KEY=VALUE changes the config, such as tracking.uri=URI.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=5001, help="port to serve on (default: 5001)")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer side by side (default: 1)")
    return parser
