"""What is true of devices that wait to be let in (RFC 8628): how their codes look, and how often they may ask."""

from __future__ import annotations

from datetime import datetime, timedelta

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels: nobody reads a word from the screen that we did not mean."""
LENGTH = 8
LIFE_SECONDS = 600
SECONDS_BETWEEN = 5
SLOWER_BY = 5
SLOWEST = 60


def shown(code: str) -> str:
    """A code as a device shows it: `BCDF-GHJK`."""
    return f"{code[:4]}-{code[4:]}"


def entered(text: str) -> str:
    """A code as somebody typed it, made what we keep."""
    return "".join(letter for letter in text.upper() if letter in LETTERS)[: LENGTH + 1]


def is_too_fast(asked_at: datetime | None, seconds: int, at: datetime) -> bool:
    """Whether a device asks sooner than agreed; a little sooner is the network's fault."""
    return asked_at is not None and at - asked_at < timedelta(seconds=seconds) - timedelta(milliseconds=500)
