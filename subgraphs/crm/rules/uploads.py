"""Files that come in parts, with no I/O: how long they may be, and where they go."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from subgraphs.crm.rules.csv_files import LARGEST_OF_A_JOB
from subgraphs.kit.errors import Invalid

LASTS: Final = timedelta(hours=24)
"""For so long a file may be brought, tried and imported."""
MOST_AT_ONCE: Final = 5


def check_size(size: int) -> int:
    """The length of a file that may be brought; raises `Invalid` for an empty or a too long one."""
    if not 1 <= size <= LARGEST_OF_A_JOB:
        raise Invalid(f"A file has 1 byte to {LARGEST_OF_A_JOB // 1_000_000} MB.", field="sizeBytes")
    return size


def path(tenant: UUID, upload: UUID) -> str:
    """Where the parts of a file go, without the signature that lets them in."""
    return f"/crm/imports/{tenant}/{upload}"
