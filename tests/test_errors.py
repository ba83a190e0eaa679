import ctypes
import errno
import os

import pytest

from catdog_exp.errors import UserError, missing_library, one_line


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libgthread-2.0.so.0", "libglib2.0-0"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
        ("libSM.so.6", "libsm6"),
        ("libXext.so.6", "libxext6"),
        ("libgomp.so.1", "libgomp1"),
        ("libquadmath.so.0", "libquadmath0"),
        ("libgfortran.so.5", "libgfortran5"),
        ("libstdc++.so.6", "libstdc++6"),
    ],
)
def test_a_missing_library_is_named_with_its_package(library, package):
    error = ImportError(f"{library}: cannot open shared object file: No such file or directory")
    line = missing_library(error)
    assert library in line
    assert f"`apt-get install {package}`" in line
    assert one_line(error) == line


@pytest.mark.parametrize(
    ("library", "told"),
    [
        ("libcuda.so.1", "is missing: it comes with the driver of an NVIDIA GPU"),
        (
            "libcudnn.so.8",
            "is missing: install the nvidia-*-cu11 packages that docs/ names",
        ),
        ("libcurl.so.4", "is missing: install the system package that brings it"),
    ],
)
def test_what_a_build_for_cuda_misses_is_told_apart(library, told):
    line = missing_library(OSError(f"{library}: cannot open shared object file: No such file or directory"))
    assert line == f"the shared library {library} {told}"


def test_the_loaders_own_words_are_understood():
    with pytest.raises(OSError, match="libquadmath") as caught:
        ctypes.CDLL("libquadmath.so.99")
    assert one_line(caught.value) == missing_library(caught.value)
    assert "apt-get install libquadmath0" in one_line(caught.value)


def test_a_library_of_no_known_package_is_named_all_the_same():
    error = OSError("libnever-heard.so.3: cannot open shared object file: No such file or directory")
    assert "libnever-heard.so.3" in one_line(error)
    assert "apt-get" not in one_line(error)


def test_a_users_mistake_is_its_own_line():
    assert one_line(UserError("data.root=x: no such folder")) == "data.root=x: no such folder"


@pytest.mark.parametrize(
    "error",
    [
        ImportError("No module named 'mxnet'"),
        OSError("No space left on device"),
        ValueError("libGL.so.1: cannot open shared object file"),
        KeyError("x"),
    ],
)
def test_other_errors_need_their_traceback(error):
    assert one_line(error) is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_the_users_to_mend_where_no_file_is_named_too(number):
    assert one_line(OSError(number, os.strerror(number))).startswith(f"{os.strerror(number)}; make room")
    assert one_line(OSError(number, os.strerror(number), "/x/y")).startswith(f"/x/y: {os.strerror(number)}; make room")
    assert one_line(OSError(errno.EACCES, "of a socket")) is None
