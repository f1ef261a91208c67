"""The driver: N connections that each send the next request as soon as the last answer is complete.

It drains: when the time is over nobody starts anew, and what is under way is waited for, so that no gateway is charged
for work that nobody counts. Every answer is compared with the expected one, byte by byte.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httptools
import orjson

LONGEST_WAIT: Final = 30.0


class Failed(Exception):
    """A gateway gave another answer than the expected one, or none."""


@dataclass(slots=True)
class Lap:
    """What one drive has counted; latencies in seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """How many answers came, all of them right."""
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """The latency that this share of requests stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request_bytes(url: str, query: str, headers: dict[str, str]) -> bytes:
    """One POST, ready for the wire."""
    parts = urlsplit(url)
    body = orjson.dumps({"query": query})
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """One keep-alive connection; its parser calls back into it."""

    def __init__(self, request: bytes, expected: bytes | None, lap: Lap, until: float) -> None:
        self._request = request
        self._expected = expected
        self._lap = lap
        self._until = until
        self._parser: Any = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._began = 0.0
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except Exception as fault:  # noqa: BLE001 - the parser wraps what its callbacks raise
            self._finish(Failed(repr(fault.__context__ or fault)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(Failed(f"the connection was closed ({exc})"))

    def on_message_begin(self) -> None:
        self._body = []

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        body = b"".join(self._body)
        self._lap.latencies.append(now - self._began)
        if self._expected is not None and body != self._expected:
            raise Failed(f"another answer: {body[:300]!r}")
        if now < self._until:
            self._send()
        else:
            if not self.done.done():
                self.done.set_result(body)
            self._transport.close()

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def _finish(self, fault: Failed) -> None:
        if not self.done.done():
            self.done.set_exception(fault)


async def drive(url: str, request: bytes, expected: bytes | None, connections: int, seconds: float) -> Lap:
    """Keep `connections` busy for `seconds`."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    lap = Lap(0.0)
    began = time.perf_counter()
    made: list[_Connection] = []
    for _ in range(connections):
        _, one = await loop.create_connection(
            lambda: _Connection(request, expected, lap, began + seconds), parts.hostname or "", parts.port or 80
        )
        made.append(one)
    async with asyncio.timeout(seconds + LONGEST_WAIT):
        await asyncio.gather(*(one.done for one in made))
    lap.seconds = time.perf_counter() - began
    return lap


async def ask_once(url: str, request: bytes) -> bytes:
    """Send one request and return the body of its answer."""
    parts = urlsplit(url)
    lap = Lap(0.0)
    _, one = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(request, None, lap, 0.0), parts.hostname or "", parts.port or 80
    )
    async with asyncio.timeout(LONGEST_WAIT):
        return await one.done
