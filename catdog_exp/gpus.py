"""The CUDA cards of this machine."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from catdog_exp.facts import Fact, dotted

CARDS = "CUDA_VISIBLE_DEVICES"
OLDEST_CARD = (5, 0)  # compute capability; the wheels of MXNet hold nothing for older ones


def card_facts(mxnet: dict[str, Any] | None) -> list[Fact]:
    """The cards of this machine, and which of them MXNet runs on.

    mxnet: its answer to `gpu_problem` and `newest_card`, None where it cannot be imported.
    """
    facts = []
    newest = tuple(mxnet["newest_card"]) if mxnet else None
    for name, capability in _seen_cards():
        about = f"compute capability {dotted(capability)}"
        if newest is None or OLDEST_CARD <= capability <= newest:
            facts.append(Fact("ok", name, about))
        else:
            limits = f"{dotted(OLDEST_CARD)} to {dotted(newest)}"
            facts.append(Fact("note", name, f"{about}, which MXNet cannot run on ({limits} can)"))
    if not facts:
        facts.append(Fact("note", "cards", "nvidia-smi shows none"))
    if mxnet is not None:
        problem = mxnet["gpu_problem"]
        facts.append(
            Fact("note", "runs use", f"the processor: {problem}") if problem else Fact("ok", "runs use", "the card")
        )
    return facts


def visible_cards() -> list[str]:
    """The cards that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get(CARDS)
    if chosen is None:
        return [str(number) for number in range(len(_seen_cards()))]
    return [card.strip() for card in chosen.split(",") if card.strip()]


def _seen_cards() -> list[tuple[str, tuple[int, int]]]:
    query = ["nvidia-smi", "--query-gpu=compute_cap,name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = re.findall(r"^(\d+)\.(\d+), (.+)$", answer, flags=re.MULTILINE)
    return [(name.strip(), (int(major), int(minor))) for major, minor, name in found]
