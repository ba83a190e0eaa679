"""`catdog sync`: what runs could not log while a server was away is sent, and a store's history to a server."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.app.compose import run_config
from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.errors import UserError
from catdog_exp.tracking.config import TrackingConfig


def main(words: Sequence[str]) -> int:
    """Send what is unsent of the configured outputs; the exit code is 1 where some of it still is."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    config = run_config(overrides)
    if chosen.experiment is not None and chosen.to is None:
        raise UserError("--experiment: says what --to URI is to copy; to send what is unsent, leave it out")
    code = _send(config.tracking, Path(config.paths.outputs))
    if chosen.to is not None:
        _copy(config.tracking, chosen.to, chosen.experiment)
    return code


def _parser() -> Parser:
    parser = Parser(
        "catdog sync",
        description="Send what runs could not log while the MLflow server was away; with --to, copy the store's runs, "
        "too. KEY=VALUE changes the config, such as paths.outputs=DIR. The same again doubles nothing.",
    )
    parser.add_argument("--to", metavar="URI", help="copy the store's history there: http://HOST:PORT")
    parser.add_argument("--experiment", metavar="NAME", help="copy this experiment alone (default: all)")
    return parser


def _send(config: TrackingConfig, outputs: Path) -> int:
    from catdog_exp.tracking.sync import send_unsent

    code, none = 0, True
    for sent in send_unsent(config, outputs, again=True):
        calls = f"{sent.sent} {'entry' if sent.sent == 1 else 'entries'} sent"
        print(f"run {sent.run_id[:8]} ({sent.name}): {calls}" + (f"; not all: {sent.left}" if sent.left else ""))
        code, none = code | bool(sent.left), False
    if none:
        print(f"nothing is unsent in {outputs}")
    return code


def _copy(config: TrackingConfig, to: str, experiment: str | None) -> None:
    from catdog_exp.tracking.copying import copy_history, experiments

    for name in experiments(config) if experiment is None else [experiment]:
        there = 0
        for each in copy_history(dataclasses.replace(config, experiment=name), to):
            if each.how == "copied":
                print(f"run {each.run_id[:8]} ({each.name}): copied as {each.copy[:8]}", flush=True)
            elif each.copy:
                there += 1
            else:
                print(f"run {each.run_id[:8]} ({each.name}): {each.how}")
        print(f"experiment {name}: {there} {'run was' if there == 1 else 'runs were'} there already")
