"""What makes a picture file unreadable, whatever its kind."""

from __future__ import annotations

MOST_PIXELS = 2**28  # declared by a file; the largest cameras of phones give 200 million


class Unreadable(Exception):
    """A picture that cannot be had; the message is the reason, without the file's name."""


def check_size(width: int, height: int) -> None:
    """Raise Unreadable for a picture that declares more than MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise Unreadable(f"too large: it declares {width:,} × {height:,} pixels")
