"""How an API key is written, and what is true of one.

    psa_ k3f9x0q2ma _ AZLwAAAAcACAAAAAAAAACg «43 random characters»
         prefix       the tenant's id          the secret

The prefix is shown in lists, so that a key that was found can be matched with its line. The tenant's id tells behind
whose wall to look; it is no secret. Of the whole we keep a SHA-256: 256 random bits need no slow hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from subgraphs.kit.errors import Invalid

_SPELT = re.compile(r"psa_([a-z0-9]{10})_([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{43})")
_LETTERS = string.ascii_lowercase + string.digits
_MOST_NETWORKS = 50


def new(tenant: UUID) -> str:
    """A key that nobody has yet."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(10))
    owner = base64.urlsafe_b64encode(tenant.bytes).rstrip(b"=").decode()
    return f"psa_{prefix}_{owner}{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str:
    """The part of a key that may be shown."""
    return key[4:14]


def tenant_of(key: str) -> UUID | None:
    """Whose key this is, if it is one at all."""
    spelt = _SPELT.fullmatch(key)
    if spelt is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(f"{spelt[2]}=="))
    except (ValueError, binascii.Error):
        return None


def hashed(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def networks(values: Iterable[str]) -> list[str]:
    """Networks from which a key opens: addresses, or networks in CIDR notation; raises `Invalid`."""
    given = list(values)
    if len(given) > _MOST_NETWORKS:
        raise Invalid(f"ipAllowList has at most {_MOST_NETWORKS} networks.", field="ipAllowList")
    try:
        return [str(ipaddress.ip_network(one.strip(), strict=False)) for one in given]
    except ValueError:
        raise Invalid("ipAllowList has addresses, or networks as 203.0.113.0/24.", field="ipAllowList") from None


def rate_limit(value: int | None) -> int | None:
    """Requests in a minute; raises `Invalid`."""
    if value is not None and not 1 <= value <= 1_000_000:
        raise Invalid("rateLimit is 1 to 1000000 requests in a minute.", field="rateLimit")
    return value


def end(value: datetime | None, now: datetime) -> datetime | None:
    """When a key stops opening anything; raises `Invalid` for a moment that is gone."""
    if value is not None and value <= now:
        raise Invalid("expiresAt lies in the future.", field="expiresAt")
    return value


def opens(*, revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a key opens anything at this moment."""
    return revoked_at is None and (expires_at is None or expires_at > now)
