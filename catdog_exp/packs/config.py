"""The section `data` of the config: which pictures, and how they are packed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from catdog_exp.images.limits import MAX_PIXELS
from catdog_exp.paths import LocalPath
from catdog_exp.reading import Name
from catdog_exp.sources.source import Source


def _read_as_text(name: Any) -> Any:
    if isinstance(name, str):
        return name
    raise PydanticCustomError(
        "class_name",
        "{name} is read as a {kind} and not as a class's name, quote it: "
        """'data.classes=["0","yes"]' in a shell, ["0", "yes"] in YAML""",
        {"name": str(name), "kind": {bool: "yes or no", type(None): "nothing"}.get(type(name), "number")},
    )


@dataclass(frozen=True)
class DataConfig:
    """Which pictures, and how they are packed. Keys and units: conf/data/base.yaml."""

    source: Source
    classes: Annotated[list[Annotated[Name, BeforeValidator(_read_as_text)]], Field(min_length=2)]
    split_ratio: Annotated[float, Field(gt=0, lt=1)]
    resize: Annotated[int, Field(ge=8, le=1024)]
    quality: Annotated[int, Field(ge=1, le=100)]
    threads: Annotated[int, Field(ge=1, le=256)]
    seed: Annotated[int, Field(ge=0)]
    test_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    folds: Annotated[int, Field(ge=2, le=100)] | None = None
    fold: Annotated[int, Field(ge=0)] = 0
    shards: Annotated[int, Field(ge=1, le=4096)] = 1
    pack_on: Literal["threads", "ray"] = "threads"
    repack: bool = False
    limit: Annotated[int, Field(ge=1)] | None = None
    root: LocalPath | None = None
    corrections: LocalPath | None = None
    max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS
    max_rejects: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, le=1)] | None = None

    def __post_init__(self) -> None:
        names = [name.lower() for name in self.classes]
        if len(set(names)) < len(names):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            raise ValueError(f"classes: {', '.join(twice)} stands there twice")
        if self.folds is None and self.fold:
            raise ValueError(f"fold={self.fold}: give data.folds too, how many there are")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold={self.fold}: of {self.folds} folds the last is {self.folds - 1}")
