"""A write is tried first, and done when the same write comes again with what the trial answered.

    call                          tried, taken back; the answer carries  confirm = expiry . HMAC(key; who, tool, arguments, expiry)
    call, the same, and confirm   done

What was confirmed is exactly what was shown: other arguments, another tool or somebody else have another HMAC. Nothing is
kept for it, so that any router that has the key may be asked; one that is sent twice is done once, because the idempotency
key of its commands follows from it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

_BYTES: Final = 24


class Confirmations:
    """Gives confirmations that hold for a while, and knows them again."""

    def __init__(self, key: bytes, seconds: int) -> None:
        self._key = key
        self._seconds = seconds

    def given(self, who: str, tool: str, arguments: Mapping[str, Any], now: float) -> str:
        """Return what confirms this write, from now on for a while."""
        until = int(now) + self._seconds
        return f"{until}.{self._sign(who, tool, arguments, until)}"

    def holds(self, confirmation: str, who: str, tool: str, arguments: Mapping[str, Any], now: float) -> bool:
        """Whether it confirms this write, and still does."""
        until, _, signature = confirmation.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12) or int(until) < now:
            return False
        return hmac.compare_digest(signature.encode(), self._sign(who, tool, arguments, int(until)).encode())

    def _sign(self, who: str, tool: str, arguments: Mapping[str, Any], until: int) -> str:
        said = json.dumps([who, tool, arguments, until], sort_keys=True, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, said, "sha256")[:_BYTES]).decode()


def idempotency_key(confirmation: str, variable: str) -> str:
    """Return the idempotency key of a command that was confirmed."""
    return "mcp-" + hashlib.sha256(f"{confirmation} {variable}".encode()).hexdigest()[:40]
