"""Handles: random texts that open something, each of which says which tenant's wall to look behind.

Codes, tokens and cookies come in before anybody knows whose they are, and behind the walls there is nothing to find
without a tenant. So a handle begins with its tenant's id, which is no secret, and goes on with 256 random bits, of which
we keep a SHA-256. (Random bits need no slow hash: there is nothing to guess.)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from uuid import UUID

PLATFORM = UUID(int=1)
"""The tenant of what belongs to nobody else: our own clients, our keys, devices that wait at the door."""

_TENANT = 22


def new(tenant: UUID) -> str:
    """A new handle behind this tenant's wall."""
    return f"{_written(tenant)}{secrets.token_urlsafe(32)}"


def short(tenant: UUID) -> str:
    """A name that need not be secret: a client's id."""
    return f"{_written(tenant)}{secrets.token_urlsafe(9)}"


def tenant_of(handle: str) -> UUID | None:
    """Behind whose wall to look; None when this is no handle."""
    try:
        return UUID(bytes=base64.urlsafe_b64decode(f"{handle[:_TENANT]}=="))
    except (ValueError, binascii.Error):
        return None


def hashed(handle: str) -> str:
    """What is kept of a handle."""
    return hashlib.sha256(handle.encode()).hexdigest()


def _written(tenant: UUID) -> str:
    return base64.urlsafe_b64encode(tenant.bytes).rstrip(b"=").decode()
