"""Identifiers: UUIDv7 (RFC 9562 section 5.7), made here because PostgreSQL 15 cannot."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0b10 << 62
_LAST_MILLISECOND = 253_402_300_799_999


def uuid7() -> UUID:
    """A UUID that sorts by time of creation, to the quarter of a microsecond: what is made one after the other stays in this order.

    The twelve bits behind the milliseconds are their fraction (section 6.2, method 3); the 62 behind these are random.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | _VERSION_7 | fraction << 64 | _VARIANT_RFC | random)


def made_at(identity: UUID) -> datetime | None:
    """When an identifier was made; None for one that doesn't say."""
    # Forty-eight bits of milliseconds reach further than Python's calendar.
    milliseconds = identity.int >> 80
    if identity.version != 7 or milliseconds > _LAST_MILLISECOND:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def parsed(text: str) -> UUID | None:
    """The UUID that `text` spells, or None: an identifier that is no UUID cannot be anyone's."""
    try:
        return UUID(text)
    except ValueError:
        return None
