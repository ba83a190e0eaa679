"""What stands on a terminal in the end."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def screen(written: str) -> list[str]:
    """The lines that a terminal wider than any of them shows. Knows no more than what is used here."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", written, re.DOTALL):
        if token == "\r":
            column = 0
        elif token == "\n":
            row, column = row + 1, 0
            lines += [""] * (row == len(lines))
        elif token == "\x1b[2K":
            lines[row] = ""
        elif re.fullmatch(r"\x1b\[\d+A", token):
            row -= int(token[2:-1])
        elif not re.fullmatch(r"\x1b\[[\d;]*m", token):  # colours are of no matter
            assert token.isprintable(), token
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def on_a_terminal(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    until: Callable[[str], bool],
    **streams: Any,
) -> tuple[str, subprocess.Popen[bytes]]:
    """What a command writes to a terminal of 500 columns, which is closed at its end or when `until` says so."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 500, 0, 0))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs} | streams
    environment = {**environment, "TERM": "xterm"}
    process = subprocess.Popen([*map(str, command)], cwd=folder, env=environment, **streams)
    os.close(theirs)
    written = bytearray()
    with contextlib.suppress(OSError):  # EIO, when nobody has the other side any more
        while not until(written.decode(errors="ignore")) and (data := os.read(ours, 65536)):
            written += data
    os.close(ours)
    return written.decode(errors="ignore"), process
