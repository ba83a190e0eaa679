"""The check that a composed YAML config fits the typed one, to the last key."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
import sys
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from catdog_exp.errors import UserError, line_of_own_code, unknown_key

Section = TypeVar("Section")

# One line of text that neither starts nor ends with a space.
Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]

_PACKAGE = __name__.partition(".")[0]
# Classes that people's own files may still name, and where they are now.
_MOVED = {
    f"catdog_exp.pictures.{old}": f"catdog_exp.sources.{new}"
    for old, new in {
        "archives.CatsDogs25k": "archives.Archive",
        "archives.Filtered": "archives.Archive",
        "drive.Drive": "drive.Drive",
        "folders.Flat": "flat.Flat",
        "folders.Folder": "folders.Folder",
        "synthetic.Synthetic": "synthetic.source.Synthetic",
    }.items()
}


def read(
    section: type[Section], values: Mapping[str, Any], where: str = "", targets: Collection[str] | None = None
) -> Section:
    """The mapping `values` as an instance of the dataclass `section`, checked to the last key.

    A field whose type is a dataclass is read from a nested mapping; `_target_` in a mapping names a
    subclass to be read instead. `where` is the dotted key of the section, for messages.

    targets: what `_target_` may name besides the families of this package, in a file that anybody may have made.
    None: whatever can be imported, from the working directory too, as in a config, which is the user's own.

    Raises UserError, one line: an unknown key (with the nearest known one), a missing one, a wrong type
    or value (naming what is allowed), a `_target_` that may not be imported, cannot be, or is of the wrong kind.
    """
    values = dict(values)
    if "_target_" in values:
        section = _class_at(str(values.pop("_target_")), section, _join(where, "_target_"), targets)
    fields = _fields(typing.cast("Any", section))
    for key in values:
        if key not in fields:
            raise UserError(unknown_key(_join(where, str(key)), [_join(where, name) for name in fields]))
    read_values = {}
    for name, field in fields.items():
        key = _join(where, name)
        if values.get(name, "???") != "???":
            read_values[name] = field.read(values[name], key, targets)
        elif values.get(name) == "???" or field.required:
            raise UserError(f"{key} is not set: give {key}=VALUE")
    try:
        return section(**read_values)
    except ValueError as error:
        raise UserError(_join(where, str(error))) from None


@dataclass(frozen=True)
class _Field:
    """A key of a section. kind: a section's class, or what checks a plain value."""

    kind: type[Any] | TypeAdapter[Any]
    required: bool

    def read(self, value: Any, key: str, targets: Collection[str] | None) -> Any:
        if isinstance(self.kind, TypeAdapter):
            try:
                return self.kind.validate_python(value, strict=True)
            except ValidationError as error:
                reasons = dict.fromkeys(
                    re.sub("^(Input|Value error,) ", "", problem["msg"]) for problem in error.errors()
                )
                raise UserError(f"{key}={value!r}: {', or '.join(reasons)}") from None
        if not isinstance(value, Mapping):
            raise UserError(f"{key}={value}: this is a section, set one of its keys or choose its file by name")
        return read(self.kind, value, key, targets)


@functools.cache  # making what checks a value takes longer than all the rest
def _fields(section: type[Any]) -> dict[str, _Field]:
    kinds = typing.get_type_hints(section, include_extras=True)
    return {
        field.name: _Field(_checked(kinds[field.name]), field.default is dataclasses.MISSING)
        for field in dataclasses.fields(section)
    }


def _checked(kind: Any) -> type[Any] | TypeAdapter[Any]:
    if dataclasses.is_dataclass(kind):
        return typing.cast("type[Any]", kind)
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))


def _class_at(path: str, base: type[Section], key: str, targets: Collection[str] | None) -> type[Section]:
    module, _, name = path.rpartition(".")
    wrong = UserError(f"{key}={path}: must name a dataclass that extends {base.__module__}.{base.__name__}")
    if path in _MOVED:
        raise UserError(f"{key}={path}: this class was moved, write {_MOVED[path]}")
    if path.startswith(f"{_PACKAGE}."):
        if not module.startswith(f"{base.__module__.rpartition('.')[0]}."):  # importing others may do anything
            raise wrong
    elif targets is not None and path not in targets:
        raise UserError(f"{key}={path}: this is not of {_PACKAGE}, and is imported only where the config names it too")
    elif (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)  # a console script does not search where it is started; a user's own class lies there
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise UserError(f"{key}={path}: cannot be imported ({line_of_own_code(error) or error})") from None
    fits = isinstance(found, type) and issubclass(found, base) and dataclasses.is_dataclass(found)
    if not fits or inspect.isabstract(found):
        raise wrong
    return typing.cast("type[Section]", found)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
