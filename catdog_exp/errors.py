"""Errors that are a user's to mend, and the one line that says how."""

import difflib
import errno
import re
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

# Shared libraries that the wheels of OpenCV and MXNet link to but do not bring, by the start of
# the library's file name, and the Debian package that has each.
DEBIAN_PACKAGES = {
    "libGL.so": "libgl1",
    "libgthread-2.0.so": "libglib2.0-0",
    "libglib-2.0.so": "libglib2.0-0",
    "libSM.so": "libsm6",
    "libXext.so": "libxext6",
    "libgomp.so": "libgomp1",
    "libquadmath.so": "libquadmath0",
    "libgfortran.so": "libgfortran5",
    "libstdc++.so": "libstdc++6",
}

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_THE_SYSTEM_S_REFUSALS = {*_OF_THE_DISK, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}

# Of a build of MXNet for CUDA, whose wheel does not bring them.
CUDA_LIBRARIES = (
    *("libcudart.", "libcublas", "libcudnn.", "libcufft.", "libcurand.", "libcusolver.", "libcusparse."),
    *("libnccl.", "libnvrtc.", "libnvToolsExt."),
)

_SUGGESTED = 3  # keys in place of an unknown one

# Where code lies that the user has not written.
_NOT_THE_USER_S = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))

_MISSING_LIBRARY = re.compile(r"(lib[\w+.-]+\.so[\w.]*): cannot open shared object file")


class UserError(Exception):
    """A mistake or a lack that the user can mend.

    The message is one line that names what is wrong, where, and what to do. The command prints it
    without a traceback and ends with exit code 2.
    """


class LostWorker(Exception):
    """Another process of the same training is gone. The message is one line; the command ends with exit code 1."""


class IncompleteSweep(Exception):
    """Jobs of a sweep have no result. The message is one line; the command ends with exit code 1."""


class GivenUp(BaseException):
    """A search gives a training up that comes to nothing: no error, and not an end to go on from.

    value: the objective's last one.
    """

    def __init__(self, why: str, value: float) -> None:
        super().__init__(why)
        self.value = value


class Terminated(BaseException):
    """SIGTERM came, or the terminal is gone: unwinds like Ctrl-C does, so that nothing is left open or half-written."""


def terminate(_signal: int, _frame: FrameType | None) -> None:
    """A signal's handler: raises Terminated."""
    raise Terminated


def exit_code(error: BaseException) -> int:
    """The command's.

    1: an error of ours, a lost worker, jobs without a result. 2: the user's mistake. 130: Ctrl-C. 143: SIGTERM.
    """
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, Terminated):
        return 143
    return 1 if isinstance(error, LostWorker | IncompleteSweep) or one_line(error) is None else 2


def missing_library(error: BaseException) -> str | None:
    """One line for an import that failed for want of a shared library, or None for any other error."""
    found = _MISSING_LIBRARY.search(str(error))
    if found is None:
        return None
    library = found[1]
    if library.startswith("libcuda.so"):
        return f"the shared library {library} is missing: it comes with the driver of an NVIDIA GPU"
    if library.startswith(CUDA_LIBRARIES):
        return f"the shared library {library} is missing: install the nvidia-*-cu11 packages that docs/ names"
    for start, package in DEBIAN_PACKAGES.items():
        if library.startswith(start):
            return f"the shared library {library} is missing: install it with `apt-get install {package}`"
    return f"the shared library {library} is missing: install the system package that brings it"


def one_line(error: BaseException) -> str | None:
    """What to tell the user instead of a traceback, or None where only a traceback helps."""
    if isinstance(error, UserError | LostWorker | IncompleteSweep):
        return str(error)
    if isinstance(error, OSError) and error.errno in _THE_SYSTEM_S_REFUSALS:
        # Of a file that is open already the system names none, and of those refusals the disk's alone can be meant.
        where = f"{error.filename}: " if error.filename is not None else ""
        if where or error.errno in _OF_THE_DISK:
            return f"{where}{error.strerror}; make room or name another folder, such as paths.outputs=DIR"
    if isinstance(error, ImportError | OSError) and (missing := missing_library(error)):
        return missing
    return line_of_own_code(error)


def line_of_own_code(error: BaseException) -> str | None:
    """One line for an error in the user's own code, as a class that a config names; None where none took part."""
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        file, number = error.filename, error.lineno
    else:
        frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        own = [(file, number) for file, number in frames if not file.startswith(("<", *_NOT_THE_USER_S)) and number]
        if not own:
            return None
        file, number = own[-1]
    what = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{file}, line {number}: {type(error).__name__}: {what}; this is code of your own"


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The line for a key that no config has, with the known one it is nearest to."""
    known = [each for each in known if each != key]
    last = f".{key.rpartition('.')[2]}"
    same = [each for each in known if each.endswith(last)] if "." in key else []
    near = same[:_SUGGESTED] or difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"{key}: unknown key" + (
        f"; did you mean {' or '.join(near)}?" if near else "; `catdog --cfg job` shows all keys"
    )
