"""Asking addresses that somebody else entered: without being sent where only we can go (server-side request forgery).

A name is looked up once, every address that it stands for is judged, and the connection goes to the one that was judged:
a name that means something else a moment later (DNS rebinding) changes nothing. An address that carries another one
inside (IPv4 in IPv6: mapped, compatible, translated, tunnelled) is judged by both. Redirects are not followed.

How far somebody may send us is a `Reach`:

    neighbours   identity providers and clients, which an administrator of the platform enters: also private networks,
                 because this platform lives in one, and so do its neighbours; loopback where the whole platform runs on it
    strangers    webhooks, which tenants enter: what the whole internet can reach, and what PSA_WEBHOOK_NETWORKS names

Never asked, by nobody: link-local addresses, where clouds keep their metadata, and what is no unicast address at all.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from subgraphs.kit.config import Settings

LARGEST = 1_000_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
"""Where clouds keep their metadata outside of the link-local networks."""

# A name server that does not answer holds a thread; they are not those that the rest of the process waits for.
_LOOKING_UP = ThreadPoolExecutor(max_workers=16, thread_name_prefix="lookup")


class NotAsked(httpx2.TransportError):
    """The address is none that we ask on somebody's behalf."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far somebody may send us."""

    loopback: bool = False
    private: bool = False
    networks: tuple[Network, ...] = ()
    """What is allowed all the same, also without TLS, because an administrator of the platform named it."""

    def covers(self, address: str) -> bool:
        """Whether this address may be asked."""
        judged = ipaddress.ip_address(address)
        return self._named(judged) or all(self._allows(one) for one in _meanings(judged))

    def plain(self, address: str) -> bool:
        """Whether this address may be asked without TLS."""
        judged = ipaddress.ip_address(address)
        return self._named(judged) or (self.loopback and all(one.is_loopback for one in _meanings(judged)))

    def _named(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def _allows(self, address: Address) -> bool:
        if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
            return False
        if address.is_loopback:
            return self.loopback
        return not address.is_reserved and (self.private or address.is_global)


def neighbours(settings: Settings) -> Reach:
    """How far an administrator of the platform may send us."""
    return Reach(loopback=runs_on_loopback(settings), private=True)


def strangers(settings: Settings) -> Reach:
    """How far a tenant may send us."""
    return Reach(networks=settings.networks())


@asynccontextmanager
async def client(
    reach: Reach, *, seconds: float = 5.0, lookup: Lookup | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client for addresses that somebody else entered."""
    guard = _Guard(reach, lookup or _looked_up)
    async with httpx2.AsyncClient(transport=guard, timeout=seconds, follow_redirects=False, trust_env=False) as http:
        yield http


async def judged(reach: Reach, host: str, port: int, *, lookup: Lookup | None = None) -> str:
    """The address behind a name, when all that it stands for may be asked; raises `NotAsked`."""
    try:
        addresses = await (lookup or _looked_up)(host, port)
    except (OSError, UnicodeError) as error:
        raise NotAsked(f"{host} is not known") from error
    if not addresses or not all(reach.covers(one) for one in addresses):
        raise NotAsked(f"{host} is not asked")
    return addresses[0]


def runs_on_loopback(settings: Settings) -> bool:
    """Whether the platform is one that runs on a developer's machine, and is reached there."""
    host = urlsplit(settings.issuer or "").hostname or ""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _meanings(address: Address) -> list[Address]:
    """The address, or those of IPv4 that it carries inside: the network may take it for either."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inside: list[Address] = [ipaddress.IPv4Address(address.packed[-4:]) for net in _TRANSLATED if address in net]
    if address in _COMPATIBLE and int(address) > 1:
        inside.append(ipaddress.IPv4Address(address.packed[-4:]))
    if address.sixtofour:
        inside.append(address.sixtofour)
    return [*(inside if any(address in net for net in _TRANSLATED) else [address, *inside]), *(address.teredo or ())]


class _Guard(httpx2.AsyncBaseTransport):
    """Looks names up, judges, and connects to what was judged."""

    def __init__(self, reach: Reach, lookup: Lookup) -> None:
        self._reach = reach
        self._lookup = lookup
        self._inner = httpx2.AsyncHTTPTransport(retries=0, verify=_trusted())

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request to an address that may be asked; raises `NotAsked`."""
        scheme, host = request.url.scheme, request.url.host
        port = request.url.port or (443 if scheme == "https" else 80)
        address = await judged(self._reach, host, port, lookup=self._lookup)
        if scheme != "https" and not (scheme == "http" and self._reach.plain(address)):
            raise NotAsked(f"{scheme} is not asked")
        request.headers.setdefault("host", request.url.netloc.decode())
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


async def _looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses that a name stands for now."""
    ask = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKING_UP, ask)
    return [str(entry[4][0]) for entry in found]


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whom we believe who they are; read once, because it takes longer than most requests."""
    return httpx2.create_ssl_context()
