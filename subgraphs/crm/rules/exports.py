"""What is true about exports, with no I/O: for how long a file is kept, and for how long a link to it opens it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

KEPT = timedelta(days=7)
"""For so long the file is there."""
OPEN = timedelta(minutes=5)
"""For so long a link opens it."""


class ExportStatus(Enum):
    """Whether an export can be fetched."""

    PENDING = "PENDING"
    """It is being written."""
    READY = "READY"
    """It is there."""
    EXPIRED = "EXPIRED"
    """It was there, and is no more."""


def link(key: bytes, tenant: UUID, export: UUID, now: datetime) -> str:
    """Where the file is for the next five minutes, without any other proof."""
    expires = int((now + OPEN).timestamp())
    return f"/crm/exports/{tenant}/{export}?expires={expires}&signature={_signature(key, tenant, export, expires)}"


def opens(key: bytes, tenant: UUID, export: UUID, *, expires: int, signed: str, now: datetime) -> bool:
    """Whether we gave out this link, not longer ago than it holds."""
    good = hmac.compare_digest(_signature(key, tenant, export, expires).encode(), signed.encode())
    return good and now.timestamp() <= expires


def _signature(key: bytes, tenant: UUID, export: UUID, expires: int) -> str:
    return hmac.new(key, f"crm.export/{tenant}/{export}/{expires}".encode(), hashlib.sha256).hexdigest()
