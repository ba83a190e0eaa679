"""C libraries kept from writing to the terminal, and what they say heard."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class QuietC:
    """A context in which what C code prints to its standard error stream is kept back; any thread may enter it.

    libjpeg, libpng and libtiff print what they find wrong with a file and offer Python no other way to learn of it.
    Their stream is C's own variable `stderr`; Python's `sys.stderr` and log lines do not go through it and are not
    touched. Entering and leaving cost about a microsecond. Does nothing, and hears nothing, but with glibc.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._alone = False
        self._changed = threading.Condition()
        self._stream: ctypes.c_void_p | None = None
        self._file = -1
        if platform.libc_ver()[0] == "glibc":
            self._libc = ctypes.CDLL(None)
            self._libc.fdopen.restype = ctypes.c_void_p
            self._stream = ctypes.c_void_p.in_dll(self._libc, "stderr")
            self._open()
            # A forked process would go on in the same file, and hear what this one writes.
            os.register_at_fork(after_in_child=self._open)

    def _open(self) -> None:
        self._file = os.memfd_create("stderr of C")
        self._kept = ctypes.c_void_p(self._libc.fdopen(self._file, b"w"))
        self._libc.setbuf(self._kept, None)

    def __enter__(self) -> None:
        with self._changed:
            while self._alone:
                self._changed.wait()
            self._enter()

    def _enter(self) -> None:
        self._inside += 1
        if self._inside == 1 and self._stream is not None:
            self._before, self._stream.value = self._stream.value, self._kept.value

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            if self._inside == 0:
                if self._stream is not None:
                    self._stream.value = self._before
                self._changed.notify_all()

    def heard(self) -> int:
        """How much has been kept back so far, in bytes: more than before means that some thread's C code spoke."""
        return os.lseek(self._file, 0, os.SEEK_CUR) if self._stream is not None else 0

    def listen(self, work: Callable[[], Result]) -> tuple[Result, str]:
        """What `work` returns and what C code prints meanwhile; no other thread is in the context at that time.

        Not to be called within the context.
        """
        with self._changed:
            while self._alone or self._inside:
                self._changed.wait()
            self._alone = True
            self._enter()
        try:
            start = self.heard()
            result = work()
            said = os.pread(self._file, self.heard() - start, start) if self._stream is not None else b""
            return result, said.decode(errors="replace")
        finally:
            self._alone = False
            self.__exit__()


quiet_c = QuietC()
