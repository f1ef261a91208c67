"""Asking addresses that somebody else entered: without being sent where only we can go (server-side request forgery).

A name is looked up once, every address that it stands for is judged, and the connection goes to the one that was judged:
a name that means something else a moment later (DNS rebinding) changes nothing. Never asked are link-local addresses,
where clouds keep their metadata, and what is no unicast address at all; loopback only where the whole platform runs on it. Private
networks are: this platform lives in one, and so do its neighbours. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2

from subgraphs.kit.config import Settings

LARGEST = 1_000_000


class NotAsked(httpx2.TransportError):
    """The address is none that we ask on somebody's behalf."""


@asynccontextmanager
async def client(settings: Settings, *, seconds: float = 5.0) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client for addresses that somebody else entered."""
    guard = _Guard(allow_loopback=runs_on_loopback(settings))
    async with httpx2.AsyncClient(transport=guard, timeout=seconds, follow_redirects=False, trust_env=False) as http:
        yield http


def runs_on_loopback(settings: Settings) -> bool:
    """Whether the platform is one that runs on a developer's machine, and is reached there."""
    host = urlsplit(settings.issuer or "").hostname or ""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def may_be_asked(address: str, *, allow_loopback: bool) -> bool:
    """Whether an address is one that we may be sent to."""
    judged: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    if isinstance(judged, ipaddress.IPv6Address) and judged.ipv4_mapped:
        judged = judged.ipv4_mapped
    if judged.is_loopback:
        return allow_loopback
    return not (judged.is_link_local or judged.is_multicast or judged.is_unspecified or judged.is_reserved)


class _Guard(httpx2.AsyncBaseTransport):
    """Looks names up, judges, and connects to what was judged."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._inner = httpx2.AsyncHTTPTransport(retries=0)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to an address that may be asked; raises `NotAsked`."""
        if request.url.scheme != "https" and not (self._allow_loopback and request.url.scheme == "http"):
            raise NotAsked(f"{request.url.scheme} is not asked")
        host = request.url.host
        address = await self._judged(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.headers.setdefault("host", request.url.netloc.decode())
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def _judged(self, host: str, port: int) -> str:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NotAsked(f"{host} is not known") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(may_be_asked(one, allow_loopback=self._allow_loopback) for one in addresses):
            raise NotAsked(f"{host} is not asked")
        return addresses[0]

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
