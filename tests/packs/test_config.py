"""Class names that YAML takes for something else."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from catdog_exp.errors import UserError
from catdog_exp.packs.config import DataConfig
from catdog_exp.reading import read
from tests.packs.packed import source_of

SETTINGS = {"split_ratio": 0.5, "resize": 32, "quality": 95, "threads": 1, "seed": 0}
TARGET = "catdog_exp.sources.folders.Folder"


def config(classes: list[Any]) -> DataConfig:
    source = {"_target_": TARGET, **asdict(source_of(Path("pictures")))}
    return read(DataConfig, {"source": source, "classes": classes, **SETTINGS}, "data")


@pytest.mark.parametrize(
    ("name", "told"), [(7, "7 is read as a number"), (1000.0, "1000.0 is"), (False, "False is read as a yes or no")]
)
def test_a_class_that_is_no_text_is_told_with_how_to_quote_it(name: Any, told: str):
    with pytest.raises(UserError) as error:
        config([name, "dog"])
    assert str(error.value).endswith(
        """quote it: 'data.classes=["0","yes"]' in a shell, ["0", "yes"] in YAML""",
    )
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_quoted_it_is_a_class():
    assert config(["0", "yes", "1e3"]).classes == ["0", "yes", "1e3"]


def test_of_many_classes_only_the_one_that_stands_twice_is_told():
    with pytest.raises(UserError, match=r"^data.classes: breed 7 stands there twice$"):
        config([*(f"breed {number}" for number in range(120)), "Breed 7"])
