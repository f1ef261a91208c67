"""Where a client is: the peer of the connection, or what our own proxies say of it.

    client 203.0.113.7 ─► HAProxy 10.0.0.2 ─► router          X-Forwarded-For: «whatever the client wrote», 203.0.113.7

Everybody can write `X-Forwarded-For`, and every proxy appends whom it saw. So the list is read from its end, for as long
as the one who speaks is a proxy of ours; the first stranger is the client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

from router.server.head import head_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(scope: Scope, trusted: Sequence[Network]) -> str | None:
    """The client's address in its usual form; None when the connection has none that is one."""
    peer = (scope.get("client") or (None,))[0]
    address = written(peer) if peer else None
    if address is None or not trusted:
        return address
    seen = [part for line in head_of(scope).getlist("x-forwarded-for") for part in line.split(",")]
    for part in reversed(seen):
        if not inside(address, trusted):
            break
        before = written(part.strip())
        if before is None:
            break
        address = before
    return address


def inside(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks)


@lru_cache(maxsize=10_000)
def written(text: str) -> str | None:
    """An address as we write it, IPv4 inside of IPv6 as IPv4; None when the text is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
