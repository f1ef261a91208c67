"""A keep-alive HTTP/1.1 client for plain connections to subgraphs: as little as a router needs, as quick as it gets.

A general client spends more on one small request than the rest of the router (about a hundred times what this one does),
and a router sends several for each of its own. So for `http://` this one is used, and a well-kept one for everything else.

One connection carries one request at a time; idle ones wait in their origin's pool, the last used on top. A pool has an
upper bound, and whoever finds it reached waits in line, until the deadline. Idle connections are given up before a usual
server does, so that a request hardly ever meets a closing one; nothing is ever sent twice from here, because from here
nobody can tell whether the other side acted on it. Whoever leaves (is cancelled) takes the connection down: what comes on
it would be the answer to somebody else's question.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httptools

from router.executor import clock
from router.executor.transport import (
    Answer,
    ConnectionLost,
    Content,
    Malformed,
    TimedOut,
    TransportFailure,
    Unavailable,
)

IDLE_SECONDS: Final = 4.0
_KEEP_IDLE: Final = 100
_MOST_WITHOUT_BODY: Final = 262_144
"""Bytes; as much as is read at once. Servers that mean well send a few thousand."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a URL leads: the pool's key, and the request line's beginning."""

    host: str
    port: int
    authority: str
    path: str


@lru_cache(maxsize=1024)
def _target(url: str) -> _Target:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if not host or any(ord(letter) <= 32 or ord(letter) >= 127 for letter in url):
        raise Unavailable("the URL is not valid")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return _Target(host, port, parts.netloc.rpartition("@")[2], path)


class Http1Exchange:
    """Moves bytes over plain HTTP/1.1; an `Exchange`."""

    def __init__(self, *, max_answer_bytes: int, max_connections: int = 200) -> None:
        self._max_bytes = max_answer_bytes
        self._max_connections = max_connections
        self._pools: dict[tuple[str, int], _Pool] = {}

    async def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Send a request and bring the answer; raises a `TransportFailure` when there is no complete one."""
        if not isinstance(body, bytes):
            raise TypeError("a stream of bytes is for another client")
        target = _target(url)
        request = _request(method, target, headers, body)
        pool = self._pools.get((target.host, target.port))
        if pool is None:
            pool = self._pools[target.host, target.port] = _Pool(target, self._max_connections, self._max_bytes)
        connection = pool.idle() or await pool.connected(deadline)
        try:
            return await connection.ask(request, deadline)
        finally:
            pool.give_back(connection)

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()


def _request(method: str, target: _Target, headers: Mapping[str, str], body: bytes) -> bytes:
    own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if own.count("\n") != len(headers) or own.count("\r") != len(headers) or "\0" in own:
        raise Unavailable("a header holds a line break")
    head = f"{method} {target.path} HTTP/1.1\r\nhost: {target.authority}\r\ncontent-length: {len(body)}\r\n{own}\r\n"
    try:
        return head.encode("latin-1") + body
    except UnicodeEncodeError:
        raise Unavailable("a header holds a character that can't be sent") from None


@dataclass(slots=True)
class _Pool:
    """The connections to one origin."""

    target: _Target
    most: int
    max_bytes: int
    open: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    resting: deque[_Connection] = field(default_factory=deque)

    def idle(self) -> _Connection | None:
        """Take the connection that was used last, if it's still good."""
        oldest = clock.now() - IDLE_SECONDS
        while self.resting:
            connection = self.resting.pop()
            if connection.usable and connection.since > oldest:
                return connection
            self._drop(connection)
        return None

    async def connected(self, deadline: float) -> _Connection:
        """Open a new connection, or wait until another one is given back."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                while self.open >= self.most:
                    turn: asyncio.Future[None] = loop.create_future()
                    self.waiting.append(turn)
                    await self._turn(turn)
                    if (given := self.idle()) is not None:
                        return given
                self.open += 1
                try:
                    _, connection = await loop.create_connection(
                        lambda: _Connection(self.max_bytes), self.target.host, self.target.port
                    )
                except BaseException:
                    self._closed()
                    raise
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        except OSError as fault:
            raise ConnectionLost("ConnectError") from fault
        return connection

    async def _turn(self, turn: asyncio.Future[None]) -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # our turn came while we left: it's the next one's
            raise

    def give_back(self, connection: _Connection) -> None:
        """Rest a connection whose answer is complete; close any other."""
        if connection.usable and len(self.resting) < _KEEP_IDLE:
            connection.since = clock.now()
            self.resting.append(connection)
            self._next()
        else:
            self._drop(connection)

    def close(self) -> None:
        """Close the connections that rest; the others close when they're given back."""
        while self.resting:
            self._drop(self.resting.pop())

    def _drop(self, connection: _Connection) -> None:
        connection.abort()
        self._closed()

    def _closed(self) -> None:
        self.open -= 1
        self._next()

    def _next(self) -> None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return


class _Connection(asyncio.Protocol):
    """One connection; the parser calls back into it."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._alarm = clock.Alarm(self._loop, self._late)
        self._parser: Any = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._fruitless = 0
        self._length_known = False
        self._headers: list[tuple[str, str]] = []
        self._closed = False
        self._good = True
        self.since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._good and not self._closed and self._answer is None

    async def ask(self, request: bytes, deadline: float) -> Answer:
        """Send a request; whatever ends the wait before the answer is complete spoils the connection."""
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        self._alarm.set(deadline)
        self._begin()
        if self._closed:
            self._fail(ConnectionLost("ConnectionClosed"))
        else:
            self._transport.write(request)
        try:
            return await answer
        except BaseException:
            self._good = False
            raise
        finally:
            self._alarm.clear()
            self._answer = None

    def abort(self) -> None:
        """Close at once."""
        self._good = False
        self._alarm.close()
        if not self._closed:
            self._transport.abort()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._fruitless = 0
        self._parts, self._size, self._headers, self._length_known = [], 0, [], False

    def _late(self) -> None:
        self._fail(TimedOut("no answer within the deadline"))

    def _fail(self, failure: TransportFailure) -> None:
        self._good = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(failure)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that nobody asked for spoil the connection."""
        if self._answer is None or self._answer.done():
            self._good = False
            self._transport.abort()
            return
        before = self._size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(Unavailable("the answer is not HTTP"))
            return
        # Headers, trailers and informational answers without end would fill the memory until the deadline.
        self._fruitless = self._fruitless + len(data) if self._size == before else 0
        if self._fruitless > _MOST_WITHOUT_BODY and self._answer is not None and not self._answer.done():
            self._fail(Malformed(f"the answer's headers are larger than {_MOST_WITHOUT_BODY} bytes"))
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer where nothing but the connection's end tells its length; fail any other."""
        self._closed = True
        self._alarm.close()
        if self._answer is None or self._answer.done():
            return
        if exc is None and self._headers and not self._length_known:
            self._complete()
        else:
            self._fail(ConnectionLost("ConnectionClosed"))

    # What the parser calls

    def on_message_begin(self) -> None:
        """Notice an answer to a question that nobody asked."""
        if self._answer is None or self._answer.done():
            self._good = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Find out how the end of the body is told."""
        self._length_known = any(name in ("content-length", "transfer-encoding") for name, _ in self._headers)

    def on_body(self, part: bytes) -> None:
        """Collect the body, up to the limit."""
        self._size += len(part)
        if self._size > self._max_bytes:
            status = self._parser.get_status_code()
            self._fail(Malformed(f"the answer is larger than {self._max_bytes} bytes", status=status))
            self._parts = []
            self._transport.abort()
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """Hand the answer over; informational ones (1xx) only precede it."""
        if self._parser.get_status_code() < 200:
            self._parts, self._size, self._headers, self._length_known = [], 0, [], False
            return
        if not self._parser.should_keep_alive():
            self._good = False
        self._complete()

    def _complete(self) -> None:
        if self._answer is None or self._answer.done():
            return
        status: int = self._parser.get_status_code()
        try:
            body = _decoded(b"".join(self._parts), dict(self._headers).get("content-encoding", ""), self._max_bytes)
        except TransportFailure as failure:
            self._fail(failure)
        else:
            self._answer.set_result(Answer(status, body, tuple(self._headers)))


def _decoded(body: bytes, encoding: str, most: int) -> bytes:
    """Undo a content encoding that we did not ask for, within the same limit."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Malformed(f"the answer's encoding {encoding!r} was not asked for")
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = decoder.decompress(body, most + 1)
    except zlib.error:
        raise Malformed("the answer's encoding is broken") from None
    if len(plain) > most:
        raise Malformed(f"the answer is larger than {most} bytes")
    if not decoder.eof:
        raise Malformed("the answer's encoding is broken")
    return plain
