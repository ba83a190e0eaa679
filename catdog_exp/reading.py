"""The check that a composed YAML config fits the typed one, to the last key."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from catdog_exp.errors import UserError, unknown_key

Section = TypeVar("Section")

# One line of text that neither starts nor ends with a space.
Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]


def read(section: type[Section], values: Mapping[str, Any], where: str = "") -> Section:
    """The mapping `values` as an instance of the dataclass `section`, checked to the last key.

    A field whose type is a dataclass is read from a nested mapping; `_target_` in a mapping names a
    subclass to be read instead. `where` is the dotted key of the section, for messages.

    Raises UserError, one line: an unknown key (with the nearest known one), a missing one, a wrong type
    or value (naming what is allowed), a `_target_` that cannot be imported or is of the wrong kind.
    """
    values = dict(values)
    if "_target_" in values:
        section = _class_at(values.pop("_target_"), section, _join(where, "_target_"))
    kinds = typing.get_type_hints(section, include_extras=True)
    fields = {field.name: field for field in dataclasses.fields(section)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise UserError(unknown_key(_join(where, str(key)), [_join(where, name) for name in fields]))
    read_values = {}
    for name, field in fields.items():
        key = _join(where, name)
        if values.get(name, "???") != "???":
            read_values[name] = _value(kinds[name], values[name], key)
        elif values.get(name) == "???" or field.default is dataclasses.MISSING:
            raise UserError(f"{key} is not set: give {key}=VALUE")
    try:
        return section(**read_values)
    except ValueError as error:
        raise UserError(_join(where, str(error))) from None


_FINITE = ConfigDict(allow_inf_nan=False)


def _value(kind: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise UserError(f"{key}={value}: this is a section, set one of its keys or choose its file by name")
        return read(typing.cast("type[Any]", kind), value, key)
    try:
        return TypeAdapter(kind, config=_FINITE).validate_python(value, strict=True)
    except ValidationError as error:
        reasons = dict.fromkeys(problem["msg"].removeprefix("Input ") for problem in error.errors())
        raise UserError(f"{key}={value!r}: {', or '.join(reasons)}") from None


def _class_at(path: Any, base: type[Section], key: str) -> type[Section]:
    module, _, name = str(path).rpartition(".")
    here = str(Path.cwd())
    if here not in sys.path:  # a console script does not search where it is started; a user's own class lies there
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{key}={path}: cannot be imported ({error})") from None
    fits = isinstance(found, type) and issubclass(found, base) and dataclasses.is_dataclass(found)
    if not fits or inspect.isabstract(found):
        raise UserError(f"{key}={path}: must name a dataclass that extends {base.__module__}.{base.__name__}")
    return typing.cast("type[Section]", found)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
