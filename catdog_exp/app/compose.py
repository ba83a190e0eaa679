"""Configs composed from the folders that hold them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Sweep
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from catdog_exp.app.conf_folders import conf_folders, groups
from catdog_exp.app.config_errors import config_line
from catdog_exp.app.config_files import chosen_at, group_like, own_files_there, place_of
from catdog_exp.app.flags import quoted
from catdog_exp.app.machine_files import machine_files
from catdog_exp.app.resolvers import register
from catdog_exp.collection import uncollected
from catdog_exp.errors import UserError
from catdog_exp.settings import flat
from catdog_exp.sweeps.composed import plain

if TYPE_CHECKING:
    from catdog_exp.experiment.config import RunConfig

VERSION_BASE = "1.3"
CONFIG_NAME = "config"


def run_config(overrides: Sequence[str]) -> RunConfig:
    """The config, typed and checked, for a command that is not a run."""
    from catdog_exp.experiment.config import RunConfig
    from catdog_exp.reading import read

    with composing(overrides):
        return read(RunConfig, plain(compose(overrides)))


@contextlib.contextmanager
def composing(words: Sequence[str]) -> Iterator[None]:
    """Raise UserError, one line, for what Hydra and OmegaConf find wrong with a config composed of `words`."""
    _check_groups(words)
    _check_own_config()
    try:
        yield
    except UserError as error:
        raise UserError(_with_place(str(error), words)) from error
    except (HydraException, OmegaConfBaseException, yaml.YAMLError) as error:
        raise UserError(_with_place(config_line(error, lambda: _known_keys(words)), words)) from error


def _check_groups(words: Sequence[str]) -> None:
    for word in words:
        group, sign, _ = word.lstrip("+~").partition("=")
        if sign and (group in groups() or group.startswith("hydra/")) and _names_no_choice(word):
            raise UserError(
                f"{word}: name one of the choices; {group} can be {', '.join(groups().get(group, ['basic']))}"
            )
        if re.match(r"\+*hydra\.(verbose=\{|job\.config=(?!\{))", word):
            raise UserError(f"{word}: Hydra fails for such a value; leave it out")
        key, _, choice = word.lstrip("+").partition("=")
        if re.fullmatch(r"[\w,]+", choice) and re.fullmatch(r"\w+(\.\w+)*", key) and (meant := group_like(key)):
            raise UserError(f"{word}: a file is chosen by its group, write {meant}={choice}")


def _names_no_choice(word: str) -> bool:
    """Whether a group's choices are something else than texts: Hydra fails for it, or takes it for a key's value."""
    with contextlib.suppress(HydraException, OmegaConfBaseException):  # what cannot be read, Hydra tells
        value = OverridesParser.create().parse_override(word).value()
        choices = value if isinstance(value, list) else [value]
        return not isinstance(value, Sweep | Glob) and not all(
            isinstance(OmegaConf.create({"choice": choice}).choice, str) for choice in choices
        )
    return False


def _check_own_config() -> None:
    """Raise UserError for a folder conf/ of another program's, where the command is started."""
    for folder in conf_folders()[:-1]:
        file = folder / f"{CONFIG_NAME}.yaml"
        if file.is_file() and b"catdog_exp" not in file.read_bytes():
            raise UserError(
                f"{file}: this is another program's, and would take the place of this one's; "
                "start the command in another folder, or give yours another name"
            )


def _with_place(line: str, words: Sequence[str]) -> str:
    """A line about a key, with the file of the user's or the variable that sets it, where it is not the command."""
    found = re.match(r"[\w./]+", line)
    if found is None:
        return line
    files = [(group, file) for group, _, file in machine_files(words) if file is not None]
    for group, file in files:
        if line.startswith(f"{group}: unknown key") and "# @package _global_" not in file.read_text("utf-8"):
            return f"{file}: its first line must be `# @package _global_`: what it sets are keys of the whole config"
    if any(word.lstrip("+~").startswith(found[0]) for word in words):
        return line
    for _, file in files:  # of one that chooses what is not there, no config can be made
        if ": no such choice" in line and (number := chosen_at(file, *line.partition(":")[0].split("=", 1))):
            return f"{line} ({file}, line {number})"
    with contextlib.suppress(HydraException, OmegaConfBaseException, yaml.YAMLError):
        if place := origin(found[0], words):
            return f"{line} ({place})"
    return line


def origin(key: str, words: Sequence[str]) -> str | None:
    """What sets a key where the command, `words`, does not: a file of the user's, a variable, or None: the default."""
    chosen = [word for word in words if re.fullmatch(r"[+~]*[\w/]+=\w+", word)]
    config = compose(chosen)
    values = flat(cast("dict[str, Any]", OmegaConf.to_container(config, resolve=False)))
    if variable := re.match(r"\$\{variable:(\w+)", str(values.get(key))):
        return variable[1] if os.environ.get(variable[1]) else None
    return place_of(key, config.hydra.runtime.choices) if own_files_there() else None


def _known_keys(words: Sequence[str]) -> list[str]:
    """All keys of the config with the groups that `words` choose, sections and groups included."""
    chosen = [word for word in words if re.fullmatch(r"[\w/]+=\w+", word)]
    for overrides in (chosen, []):
        with contextlib.suppress(HydraException):
            values = cast("dict[str, Any]", OmegaConf.to_container(compose(overrides), resolve=False))
            values.pop("hydra")
            keys = list(flat(values))
            return sorted({key.rsplit(".", cut)[0] for key in keys for cut in range(key.count(".") + 1)})
    return []


def compose(overrides: Sequence[str]) -> DictConfig:
    """The config that a run with these overrides would have, Hydra's section too, references unresolved."""
    register()
    with contextlib.ExitStack() as stack:
        stack.enter_context(uncollected())
        if not GlobalHydra.instance().is_initialized():  # as it is while a run or a sweep begins
            stack.enter_context(hydra.initialize_config_dir(str(conf_folders()[-1]), version_base=VERSION_BASE))
        words = [quoted(word) for word in overrides]
        return hydra.compose(CONFIG_NAME, overrides=words, return_hydra_config=True)
