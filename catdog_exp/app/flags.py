"""Hydra's flags among the words of a command line, where they may stand anywhere."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from catdog_exp.errors import UserError

_BEYOND = re.compile(r"~|[^\x00-\x7f]")
_SIGNS = re.compile(r"['\"()\[\]{}\\]")  # of values that are more than one text
_QUESTIONS = {"run": "--run", "multirun": "-m", "cfg": "--cfg", "info": "--info", "shell_completion": "-sc"}


@dataclass(frozen=True)
class CommandLine:
    """The words of a run. flags: with their values, as Hydra takes them. overrides: the others."""

    flags: argparse.Namespace
    words: list[str]
    overrides: list[str]


def command_line(words: Sequence[str]) -> CommandLine:
    """`words` with the overrides before the flags: Hydra takes no further ones after a flag.

    Raises UserError, one line, for flags that there are not, or that do not go together.
    """
    flags = _Parser().parse_intermixed_args(list(words))
    overrides: list[str] = flags.overrides
    rest = [word for word in words if word != "--"]
    for override in reversed(overrides):
        del rest[len(rest) - 1 - rest[::-1].index(override)]
    overrides = [quoted(word) for word in overrides]
    _check(flags, overrides)
    if flags.config_path is not None and "://" not in flags.config_path:
        # Hydra would look for it beside its own caller.
        rest += ["--config-path", str(Path(flags.config_path).absolute())]
    return CommandLine(flags, [*overrides, *rest], overrides)


def quoted(word: str) -> str:
    """An override with quotes around each value that Hydra's grammar has no letters for, as ~/pictures and Zoë."""
    key, sign, value = word.partition("=")
    if _BEYOND.search(value) is None or _SIGNS.search(value) is not None:
        return word
    return key + sign + ",".join(f"'{part}'" if _BEYOND.search(part) else part for part in value.split(","))


class _Parser(argparse.ArgumentParser):
    """Of the flags that Hydra has."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        self.add_argument("overrides", nargs="*")
        for name in ("--help", "--hydra-help", "--version", "--resolve"):
            self.add_argument(name, action="store_true")
        for short, name in (("-r", "--run"), ("-m", "--multirun"), ("-sc", "--shell-completion")):
            self.add_argument(short, name, action="store_true")
        for short, name in (("-p", "--package"), ("-cp", "--config-path"), ("-cn", "--config-name")):
            self.add_argument(short, name)
        self.add_argument("-cd", "--config-dir")
        self.add_argument("--experimental-rerun")
        self.add_argument("-c", "--cfg", choices=("job", "hydra", "all"))
        asked = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
        self.add_argument("-i", "--info", nargs="?", const="all", choices=asked)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; `catdog --help` shows the flags")


def _check(flags: argparse.Namespace, overrides: Sequence[str]) -> None:
    asked = [flag for name, flag in _QUESTIONS.items() if getattr(flags, name)]
    if asked == ["-m", "--cfg"]:
        raise UserError(
            "--cfg shows the config of one run: leave out -m, and `sweep.dry_run=true` lists a sweep's jobs"
        )
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} do not go together: give one of them")
    if flags.cfg is None and (flags.resolve or flags.package is not None):
        raise UserError(f"{'--resolve' if flags.resolve else '--package'} says how --cfg shows a config: add --cfg job")
    if flags.shell_completion and sum(word.startswith(("install=", "uninstall=", "query=")) for word in overrides) != 1:
        raise UserError("-sc: add install=bash, uninstall=bash or the same for fish or zsh, as --hydra-help shows")
    for word in overrides:
        if word.startswith("-"):
            raise UserError(f"{word}: behind -- there are only settings; leave -- out")
        if re.match(r"[+~]*hydra\.callbacks(\.check\b|=|$)", word):
            raise UserError(f"{word}: the check before each run stays; leave this out")
    if flags.experimental_rerun is not None:
        raise UserError(
            "--experimental-rerun: runs leave no file for it; the same command again goes on with a run, "
            "and `catdog rerun RUN` repeats one"
        )
    for flag, folder in (("--config-path", flags.config_path), ("--config-dir", flags.config_dir)):
        if folder is not None and "://" not in folder and not Path(folder).is_dir():
            raise UserError(f"{flag} {folder}: there is no such folder ({Path(folder).absolute()})")
