"""Links that open a file, or take one, and need no other proof: signed with a key, for one path, until a moment.

    <path>?expires=<seconds>&signature=<hmac of path and expires>

Whoever may read the row that a file belongs to is given the link; whoever has the link gets the file, and nothing else, until it
expires. Reading and bringing have paths of their own, so a link for the one never proves the other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

OPEN: Final = timedelta(minutes=5)
"""For so long a link opens a file."""
_LONGEST: Final = 12
"""Digits of a moment in seconds: some 30,000 years."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a link says for itself."""

    expires: int
    """Seconds since 1970."""
    signature: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self | None:
        """What stands behind the question mark, or None where it can't be of ours."""
        expires = seconds(query.get("expires", ""))
        return None if expires is None else cls(expires, query.get("signature", ""))

    def opens(self, path: str, key: bytes, now: datetime) -> bool:
        """Whether we gave out the link to `path` with this key, not longer ago than it holds."""
        good = hmac.compare_digest(_signature(path, key, self.expires).encode(), self.signature.encode())
        return good and now.timestamp() <= self.expires


def link(path: str, key: bytes, until: datetime) -> str:
    """Where the file at `path` is until then."""
    expires = int(until.timestamp())
    return f"{path}?expires={expires}&signature={_signature(path, key, expires)}"


def seconds(text: str) -> int | None:
    """A whole number from a URL that may be a moment or a length, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else None


def _signature(path: str, key: bytes, expires: int) -> str:
    return hmac.new(key, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()
