"""API keys: auth is asked once whom a key stands for, and what it answers is believed for half a minute.

    client ── psa_… ──► router ── POST /internal/api-keys (internal token) ──► auth
                          │            claims, networks, limit ◄───────────────┘
                          └─ remembered by the key's SHA-256; the key itself is never kept, nor logged

A wrong key costs auth one question: it is remembered, too. Whoever tries many of them from one address is not asked
about any more for a while, and a key that is not even spelt like one never leaves the router.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog

from router.executor.transport import Exchange, TransportFailure
from router.server.client_address import Network, inside
from router.server.lru import Recent
from router.server.refusals import unverifiable

PREFIX: Final = "psa_"
BELIEVED_SECONDS: Final = 30.0
_FETCH_SECONDS: Final = 5.0
_WRONG_ONES: Final = 20
"""So many wrong keys of one address within a minute are looked at; more are refused unseen."""
_SPELT: Final = re.compile(r"psa_[a-z0-9]{10}_[A-Za-z0-9_-]{65}")

log = structlog.get_logger(__name__)


class WrongKey(Exception):
    """The key opens nothing, or not from here; the reason is for our log."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key stands for."""

    claims: Mapping[str, Any]
    networks: tuple[Network, ...]
    rate_limit: int | None
    asked_at: float
    """Unix time."""


class ApiKeys:
    """Exchanges keys for what they stand for."""

    def __init__(self, location: Callable[[], str | None], exchange: Exchange, token: Callable[[], str]) -> None:
        self._location = location
        self._exchange = exchange
        self._token = token
        self._known: Recent[bytes, tuple[float, Grant | None]] = Recent(20_000)
        self._asking: dict[bytes, asyncio.Task[Grant | None]] = {}
        self._wrong: Recent[str, list[float]] = Recent(10_000)

    async def grant(self, key: str, address: str | None) -> Grant:
        """Return what a key stands for; raises `WrongKey`, and `Refused` when auth cannot be asked."""
        if not _SPELT.fullmatch(key):
            raise WrongKey("this is not spelt like a key")
        digest = hashlib.sha256(key.encode()).digest()
        known = self._known.get(digest)
        if known is None or known[0] < time.monotonic():
            if known is None or known[1] is None:
                self._check_address(address)  # not for a key that was good: its neighbours' guesses are no fault of its
            found = await self._asked(digest, key)
        else:
            found = known[1]
        if found is None:
            self._note_wrong(address)
            raise WrongKey("no such key")
        if found.networks and (address is None or not inside(address, found.networks)):
            raise WrongKey(f"not from {address}")
        return found

    def forget(self, key: str) -> None:
        """Ask again with the next request: something of it was taken back."""
        self._known.drop(hashlib.sha256(key.encode()).digest())

    def _check_address(self, address: str | None) -> None:
        since = time.monotonic() - 60
        if len([moment for moment in self._wrong.get(address or "") or () if moment > since]) >= _WRONG_ONES:
            raise WrongKey("too many wrong keys from this address")

    def _note_wrong(self, address: str | None) -> None:
        moments = (self._wrong.get(address or "") or [])[-_WRONG_ONES:]
        self._wrong.put(address or "", [*moments, time.monotonic()])

    async def _asked(self, digest: bytes, key: str) -> Grant | None:
        """Ask auth, once for all who come with the same key at the same time."""
        if digest not in self._asking:
            self._asking[digest] = asyncio.create_task(self._ask(digest, key), name="api key")
        try:
            return await asyncio.shield(self._asking[digest])
        except (TransportFailure, ValueError, KeyError, TypeError) as fault:
            log.warning("api_key.unverifiable", reason=str(fault))
            raise unverifiable("API keys") from fault

    async def _ask(self, digest: bytes, key: str) -> Grant | None:
        try:
            location = self._location()
            if location is None:
                raise ValueError("auth is not there")
            deadline = asyncio.get_running_loop().time() + _FETCH_SECONDS
            headers = {"authorization": f"Bearer {self._token()}", "content-type": "application/json"}
            body = orjson.dumps({"key": key})
            answer = await self._exchange.exchange("POST", location, body=body, headers=headers, deadline=deadline)
            if answer.status not in {200, 404}:
                raise ValueError(f"status {answer.status}")
            found = _read(orjson.loads(answer.body)) if answer.status == 200 else None
            self._known.put(digest, (time.monotonic() + BELIEVED_SECONDS, found))
            return found
        finally:
            del self._asking[digest]


def _read(answer: Mapping[str, Any]) -> Grant:
    networks = tuple(ipaddress.ip_network(one) for one in answer["networks"])
    return Grant(answer["claims"], networks, answer["rateLimit"], time.time())
