"""Files that come in parts, with no I/O: how long they may be, and what proves that one may bring them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from subgraphs.crm.rules.csv_files import LARGEST_OF_A_JOB
from subgraphs.kit.errors import Invalid

PART: Final = 960 * 1024
"""How much of a file comes at once: the platform's door takes no more than a million bytes."""
LASTS: Final = timedelta(hours=24)
"""For so long a file may be brought, tried and imported."""
MOST_AT_ONCE: Final = 5


def check_size(size: int) -> int:
    """The length of a file that may be brought; raises `Invalid` for an empty or a too long one."""
    if not 1 <= size <= LARGEST_OF_A_JOB:
        raise Invalid(f"A file has 1 byte to {LARGEST_OF_A_JOB // 1_000_000} MB.", field="sizeBytes")
    return size


def link(key: bytes, tenant: UUID, upload: UUID, expires: datetime) -> str:
    """A path that takes the parts of one file until then, from whoever has it."""
    until = int(expires.timestamp())
    return f"/crm/imports/{tenant}/{upload}?expires={until}&signature={_signature(key, tenant, upload, until)}"


def takes(key: bytes, tenant: UUID, upload: UUID, *, expires: int, signed: str, now: datetime) -> bool:
    """Whether a link to bring a file was given out by us, and is not too old."""
    good = hmac.compare_digest(_signature(key, tenant, upload, expires).encode(), signed.encode())
    return good and now.timestamp() <= expires


def _signature(key: bytes, tenant: UUID, upload: UUID, expires: int) -> str:
    return hmac.new(key, f"crm.csv_upload/{tenant}/{upload}/{expires}".encode(), hashlib.sha256).hexdigest()
