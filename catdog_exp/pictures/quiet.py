"""C libraries kept from writing to the terminal."""

from __future__ import annotations

import ctypes
import platform
import threading


class QuietC:
    """A context in which what C code prints to its standard error stream is dropped; any thread may enter it.

    libjpeg, libpng and libtiff print what they find wrong with a file and offer Python no way to stop that.
    Their stream is C's own variable `stderr`; Python's `sys.stderr` and log lines do not go through it and
    are not touched. Entering and leaving cost well under a microsecond each. Does nothing but with glibc.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._stream: ctypes.c_void_p | None = None
        if platform.libc_ver()[0] == "glibc":
            libc = ctypes.CDLL(None)
            libc.fopen.restype = ctypes.c_void_p
            self._nowhere = libc.fopen(b"/dev/null", b"w")
            self._stream = ctypes.c_void_p.in_dll(libc, "stderr")

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1 and self._stream is not None:
                self._before, self._stream.value = self._stream.value, self._nowhere

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._stream is not None:
                self._stream.value = self._before


quiet_c = QuietC()
