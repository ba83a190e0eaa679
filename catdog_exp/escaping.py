"""File names of any bytes in one line of UTF-8 text, and back.

What a line cannot hold is written as `\\x` and two hexadecimal digits: `escaped` says what, `unescaped` takes it back.
"""

from __future__ import annotations

import re

# Control characters, bytes that are not UTF-8 (as Python's file names hold them), and what looks like an escape.
_TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\udc80-\udcff]|\\(?=x(?:[01][0-9a-f]|5c|7f|[89a-f][0-9a-f]))")
_ESCAPE = re.compile(r"\\x([01][0-9a-f]|5c|7f|[89a-f][0-9a-f])")


def escaped(path: str) -> str:
    """The path in one line of valid UTF-8 without tabs; a path that is so already is not changed.

    Each control character, and each byte of a name that is not UTF-8, becomes `\\x` and its two hexadecimal
    digits (a tab `\\x09`); so does a backslash (`\\x5c`), but only where it would be taken for an escape.
    """
    return _TO_ESCAPE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", path)


def unescaped(path: str) -> str:
    """The path that `escaped` was given."""
    return _ESCAPE.sub(_character, path)


def _character(escape: re.Match[str]) -> str:
    number = int(escape[1], 16)
    return chr(number) if number < 0x80 else chr(0xDC00 + number)
