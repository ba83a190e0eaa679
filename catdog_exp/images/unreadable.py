"""What makes a picture file unreadable, whatever its kind."""

from __future__ import annotations


class Unreadable(Exception):
    """A picture that cannot be had; the message is the reason, without the file's name."""


def not_read(kind: str, what: str) -> Unreadable:
    """The error for a picture that may well be whole. what: about it is not read here."""
    return Unreadable(f"a {kind} of a kind that is not read here ({what}): convert it")
