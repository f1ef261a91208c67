"""Finds what must not be there: the marks and identifiers of others, in all bytes that somebody got to see.

A token is a text that can be traced: a UUID, a mark (`zz`, two letters, five digits), a hardware address, an address
in the network. What only the rows of others hold is secret; cursors are opened before they are searched.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|zz[a-z]{2}\d{5}"
    r"|\b02(?::[0-9a-f]{2}){5}\b"
    r"|\b10(?:\.\d{1,3}){3}\b"
)
_SEALED = re.compile(r"[A-Za-z0-9_-]{24,}")


def tokens(text: str) -> set[str]:
    """Every token in a text, also inside of cursors."""
    found = set(_TOKEN.findall(text.lower()))
    for opened in _opened(text):
        found.update(_TOKEN.findall(opened.lower()))
    return found


def _opened(text: str) -> Iterator[str]:
    for sealed in _SEALED.findall(text):
        try:
            yield base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def marks(owner: str) -> Iterator[str]:
    """Words that nobody else has; `owner` is two letters."""
    assert re.fullmatch("[a-z]{2}", owner), owner
    return (f"zz{owner}{number:05}" for number in range(1, 100_000))
