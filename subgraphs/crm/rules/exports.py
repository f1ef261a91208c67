"""What is true about exports, with no I/O: for how long a file is kept, and where it is."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from uuid import UUID

KEPT = timedelta(days=7)
"""For so long the file is there."""


class ExportStatus(Enum):
    """Whether an export can be fetched."""

    PENDING = "PENDING"
    """It is being written."""
    READY = "READY"
    """It is there."""
    EXPIRED = "EXPIRED"
    """It was there, and is no more."""


def path(tenant: UUID, export: UUID) -> str:
    """Where the file is, without the signature that opens it."""
    return f"/crm/exports/{tenant}/{export}"
