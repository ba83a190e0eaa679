"""CUDA's libraries, loaded from where packages put them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from catdog_exp import cuda_libraries

MAPS = Path("/proc/self/maps")


@pytest.fixture
def packages(tmp_path, monkeypatch) -> Path:
    """A package `nvidia` with a library that can be loaded and one that cannot."""
    (real,) = (Path(np.__file__).parents[1] / "numpy.libs").glob("libquadmath*")
    folder = tmp_path / "nvidia" / "part" / "lib"
    folder.mkdir(parents=True)
    shutil.copy(real, folder / "libpart.so.1")
    (folder / "libbroken.so.1").write_bytes(b"no library")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_build_for_cuda_finds_the_libraries_that_can_be_loaded(packages, monkeypatch):
    monkeypatch.setattr(cuda_libraries, "BUILDS", ("numpy",))
    cuda_libraries.load_cuda_libraries()
    assert str(packages / "libpart.so.1") in MAPS.read_text()


def test_the_build_for_the_processor_loads_none(packages, monkeypatch):
    monkeypatch.setattr(cuda_libraries, "BUILDS", ("no-such-package",))
    cuda_libraries.load_cuda_libraries()
    assert str(packages / "libpart.so.1") not in MAPS.read_text()
