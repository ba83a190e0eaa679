"""What Hydra and OmegaConf say of a config that cannot be composed, as one line for the user."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.config_files import choices_with
from catdog_exp.errors import UserError, unknown_key

_NO_SUCH_KEY = re.compile(r"Could not (?:override|delete from config\.) '([^']+)'")
_SEVERAL_VALUES = re.compile(r"Ambiguous value for argument '([^=]+)=(.*)'")
_NOT_SET = re.compile(r"Missing mandatory value: (\S+)")
_REFUSED = re.compile(r"UserError raised while resolving interpolation: (.+)")
_IN_A_FILE = re.compile(r"In '([\w/.-]+)': \w+ raised while composing config:\s*(.+)")
_FULL_KEY = re.compile(r"full_key: (\S+)")


def config_line(error: Exception, known_keys: Callable[[], Iterable[str]]) -> str:
    """One line for `error`, raised while a config was composed or its interpolations were resolved.

    known_keys: gives the keys that the config has; only called when a key is unknown.
    """
    text = str(error)
    if isinstance(error.__cause__, UserError):  # of a resolver
        return str(error.__cause__)
    options = getattr(error, "options", None)
    missing = getattr(error, "missing_cfg_file", None)
    if missing and options:
        group, _, choice = str(missing).rpartition("/")
        if group == "machine" and choice == os.environ.get("CATDOG_MACHINE"):
            return f"CATDOG_MACHINE={choice}: no such choice; it can be {', '.join(options)}"
        return f"{group}={choice}: no such choice; {group} can be {', '.join(options)}"
    if found := _NO_SUCH_KEY.search(text):
        key = found[1]
        if choices := choices_with(key):
            group, have = choices[0].partition("=")[0], "have" if len(choices) > 1 else "has"
            return f"{key}: the chosen {group} has no such key; {_listed(choices)} {have} it"
        return unknown_key(key, known_keys())
    if found := _SEVERAL_VALUES.search(text):
        key, values = found.groups()
        return f"{key}={values}: several values make a sweep, add -m; for one list write {key}=[{values}]"
    if (found := _REFUSED.search(text)) and (key_found := _FULL_KEY.search(text)):  # by a resolver
        return f"{key_found[1]}: {found[1]}; set it, or give {key_found[1]}=VALUE"
    if found := _IN_A_FILE.search(text):
        name, what = found.groups()
        file = next((file for folder in conf_folders() if (file := folder / f"{name}.yaml").is_file()), name)
        return f"{file}: {'it must hold keys, as KEY: VALUE' if 'ListConfig' in what else what}"
    if found := _NOT_SET.search(text):
        return f"{found[1]} is not set: give {found[1]}=VALUE"
    text = text.partition("Config search path:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    what = " ".join(
        line for line in lines if not line.startswith(("See http", "full_key:", "object_type=", "reference_type="))
    )
    if text.startswith("Error merging override ") and error.__cause__ is not None:
        return f"{what.removeprefix('Error merging override ')}: {str(error.__cause__).splitlines()[0]}"
    if override := getattr(error, "override", None):
        return f"{override}: cannot be read as KEY=VALUE; quote a value with spaces or signs: \"KEY='VALUE'\""
    key_found = _FULL_KEY.search(text)
    return f"{key_found[1]}: {what}" if key_found and key_found[1] not in what else what


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
