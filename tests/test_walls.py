"""The walls: who may import what."""

import ast
from pathlib import Path

import pytest

import catdog_exp

PACKAGE = Path(catdog_exp.__file__).parent

# The library, and the only modules (or folders) that may import it.
WALLS = [
    ("mxnet", ["mx.py"]),
    ("mlflow", ["tracking/"]),
    ("hydra", ["app.py", "sweeps/"]),
    ("optuna", ["sweeps/"]),
    ("ray", ["pictures/packing_on_ray.py"]),
    ("omegaconf", ["app.py", "sweeps/"]),
]


def imported(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(("library", "inside"), WALLS)
def test_only_the_modules_behind_a_wall_import_its_library(library, inside):
    modules = {str(path.relative_to(PACKAGE)): imported(path) for path in PACKAGE.rglob("*.py")}
    importers = {name for name, names in modules.items() if library in names}
    assert importers, f"nothing imports {library} any more: is the wall still needed?"
    assert [name for name in sorted(importers) if not name.startswith(tuple(inside))] == []
