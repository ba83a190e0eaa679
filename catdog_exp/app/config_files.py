"""What the files of configs set, for the lines about mistakes in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from catdog_exp.app.conf_folders import conf_folders, groups


def choices_with(key: str) -> list[str]:
    """The choices of the key's group whose files have the key, as `model=cnn`."""
    parts = key.split(".")
    for count in range(len(parts) - 1, 0, -1):
        group = "/".join(parts[:count])
        choices = groups().get(group, {})
        found = [f"{group}={name}" for name, file in choices.items() if key in _with_bases(file, group)]
        if found:
            return found
    return []


def group_like(key: str) -> str | None:
    """The group that `key`, which is none, may be meant for: `train/optimizer` for `optimizer`, `train.optimizer`."""
    known = groups()
    if key in known:
        return None
    ends = [group for group in known if group == key.replace(".", "/") or group.endswith(f"/{key}")]
    return ends[0] if ends else None


def place_of(key: str, choices: Mapping[str, str | None]) -> str | None:
    """Where a file of the user's sets `key`, or takes the place of one that does: `FILE, line 3`.

    choices: the chosen file of each group.
    """
    place = None
    for file, group, instead in _own_files(choices):
        lines = keys_in(file, group)
        within = [line for name, line in lines.items() if name == key or name.startswith(f"{key}.")]
        if within:
            place = f"{file}, line {within[0]}"
        elif place is None and instead is not None and key in _with_bases(instead, group):
            place = f"{file}, which takes the place of this program's own"
    return place


def own_files_there() -> bool:
    """Whether any file of configs may be the user's."""
    own, shipped = conf_folders()[:-1], conf_folders()[-1]
    names = {file.name for group in ("machine", "local") for file in (shipped / group).glob("*.yaml")}
    return bool(own) or bool(names - {"default.yaml", "example.yaml"}) or (shipped / "local" / "default.yaml").exists()


def keys_in(file: Path, group: str) -> dict[str, int]:
    """The keys that a file sets, each with its line; none where it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    prefix = "" if "@package _global_" in text or not group else group.replace("/", ".") + "."
    return dict(_keys(node, prefix)) if isinstance(node, yaml.MappingNode) else {}


def chosen_at(file: Path, group: str, choice: str) -> int | None:
    """The line of a file's list of defaults that chooses a group's file, None where none does."""
    chooses = re.compile(rf"[\s-]*(override\s+)?/?{re.escape(group)}\s*:\s*{re.escape(choice)}\b")
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if chooses.match(line)), None)


def _keys(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        yield f"{prefix}{key.value}", key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _keys(value, f"{prefix}{key.value}.")


def _with_bases(file: Path, group: str) -> set[str]:
    keys = set(keys_in(file, group))
    try:
        defaults: Sequence[object] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("defaults", [])
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return keys
    for name in defaults:
        if isinstance(name, str) and name not in ("_self_", file.stem):
            keys |= set(keys_in(file.with_name(f"{name}.yaml"), group))
    return keys


def _own_files(choices: Mapping[str, str | None]) -> Iterator[tuple[Path, str, Path | None]]:
    """Chosen files that may be the user's, in the order in which they count, with the one that each is in place of."""
    *own, shipped = conf_folders()
    names = [("", "config"), *((group, name) for group, name in choices.items() if name and "hydra" not in group)]
    for group, name in names:
        instead = shipped / group / f"{name}.yaml"
        for folder in own:
            if (file := folder / group / f"{name}.yaml").is_file():
                yield file, group, instead if instead.is_file() else None
                break
        else:
            if group in ("machine", "local") and instead.is_file():
                yield instead, group, None
