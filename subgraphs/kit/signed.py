"""Links that open a file for five minutes and need no other proof: signed with a secret of the row that the file belongs to.

    <path>?expires=<seconds>&signature=<hmac of path and expires>

Whoever may read the row is given the link; whoever has the link gets the file, and nothing else, until it expires.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

LASTS: Final = timedelta(minutes=5)


def link(path: str, secret: str, now: datetime) -> str:
    """Where the file at `path` is for the next five minutes."""
    expires = int((now + LASTS).timestamp())
    return f"{path}?expires={expires}&signature={_signature(path, secret, expires)}"


def opens(path: str, secret: str, *, expires: int, signature: str, now: datetime) -> bool:
    """Whether we gave out this link, not longer ago than it holds."""
    good = hmac.compare_digest(_signature(path, secret, expires).encode(), signature.encode())
    return good and now.timestamp() <= expires


def _signature(path: str, secret: str, expires: int) -> str:
    return hmac.new(bytes.fromhex(secret), f"{path} {expires}".encode(), hashlib.sha256).hexdigest()
