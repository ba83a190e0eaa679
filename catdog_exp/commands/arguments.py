"""Words of a command line that change the config, among words that name files."""

import argparse
import os
import re
from collections.abc import Iterable
from typing import NoReturn

from catdog_exp.errors import UserError

_OVERRIDE = re.compile(r"[+~]*[A-Za-z_][\w./@]*=")


class Parser(argparse.ArgumentParser):
    """Of a command's own words: a mistake in them is a UserError, one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it."""
        raise UserError(f"{self.prog.removeprefix('catdog ')}: {message}; see `{self.prog} --help`")


def is_override(word: str) -> bool:
    """Whether a word is a setting, KEY=VALUE; what exists as a file is none."""
    # Path.exists raises for a word that is longer than a file's name can be.
    return _OVERRIDE.match(word) is not None and not os.path.exists(word)  # noqa: PTH110


def split_overrides(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """The words that are KEY=VALUE, and the others. What exists as a file is never taken for a setting."""
    overrides: list[str] = []
    others: list[str] = []
    for word in words:
        (overrides if is_override(word) else others).append(word)
    return overrides, others


def check_words(words: Iterable[str]) -> None:
    """Raise UserError for a setting that was cut in two since the shell takes a space for the end of a word."""
    whole = first = ""
    for word in [*words, "-"]:
        if is_override(word) or word.startswith("-"):
            if whole != first:
                break
            whole = first = word if is_override(word) else ""
        elif _open(whole) > 0 or whole.endswith("="):
            whole += word
    if whole != first:
        raise UserError(f"{first}: a space ends a setting; write {whole} or put quotes around the whole of it")


def _open(text: str) -> int:
    return sum((letter in "[{(") - (letter in "]})") for letter in re.sub(r"'[^']*'|\"[^\"]*\"", "", text))
