"""How a module announces itself: its SDL and address to the router's registry, again and again as a heartbeat.

The router keeps the last good supergraph, so nothing breaks when either side is away for a while; whoever comes back
is found again with the next announcement.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import httpx2
import structlog

_EVERY_SECONDS = 15.0
_RETRY_SECONDS = 1.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the registry wants to know of a module."""

    name: str
    url: str
    version: str
    sdl: str


async def announce(announcement: Announcement, *, router_url: str, token: str) -> None:
    """Announce the module until cancelled; a router that is away or refuses is told again."""
    address = f"{router_url.rstrip('/')}/registry/subgraphs/{announcement.name}"
    body = {"url": announcement.url, "version": announcement.version, "sdl": announcement.sdl}
    known = False
    async with httpx2.AsyncClient(timeout=10, headers={"Authorization": f"Bearer {token}"}) as client:
        while True:
            known = await _once(client, address, body, known=known)
            pause = _EVERY_SECONDS if known else _RETRY_SECONDS
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter needs no secrecy


async def _once(client: httpx2.AsyncClient, address: str, body: dict[str, str], *, known: bool) -> bool:
    try:
        response = await client.post(address, json=body)
    except httpx2.HTTPError as error:
        _log.warning("registration.unreachable", router=address, reason=type(error).__name__)
        return False
    if response.is_success:
        if not known:
            _log.info("registration.accepted", router=address)
        return True
    _log.error("registration.rejected", router=address, status=response.status_code, answer=response.text[:2000])
    return False
