"""`catdog sync`: what runs could not log while a server was away is sent."""

from collections.abc import Sequence
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides


def main(words: Sequence[str]) -> int:
    """Send what is unsent of the configured outputs; the exit code is 1 where some of it still is."""
    overrides, others = split_overrides(words)
    _parser().parse_args(others)
    config = run_config(overrides)

    from catdog_exp.tracking.sync import send_unsent

    code = 0
    for sent in send_unsent(config.tracking, Path(config.paths.outputs), again=True):
        calls = f"{sent.sent} {'entry' if sent.sent == 1 else 'entries'} sent"
        print(f"run {sent.run_id[:8]} ({sent.name}): {calls}" + (f"; not all: {sent.left}" if sent.left else ""))
        code |= bool(sent.left)
    return code


def _parser() -> Parser:
    return Parser(
        "catdog sync",
        description="Send what runs could not log while the MLflow server was away. KEY=VALUE changes the config, such "
        "as paths.outputs=DIR.",
    )
