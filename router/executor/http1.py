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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httptools

from router.executor import clock
from router.executor.outbox import outbox_of
from router.executor.transport import (
    Answer,
    ConnectionLost,
    Content,
    Malformed,
    RawHeaders,
    TimedOut,
    TransportFailure,
    Unavailable,
)

IDLE_SECONDS: Final = 4.0
_KEEP_IDLE: Final = 100
_MOST_WITHOUT_BODY: Final = 262_144
"""Bytes; as much as is read at once. Servers that mean well send a few thousand."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_LONGEST_HEAD: Final = 1024
_MOST_HEADS: Final = 256
_MORE_THAN_A_LENGTH: Final = frozenset({"transfer-encoding", "content-encoding", "upgrade"})
"""Headers of an answer whose end is not only told by `content-length`, or whose body is not what was sent."""

Done = Callable[["Answer | TransportFailure"], None]
"""Told what came of a request."""


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
        self._pools: dict[tuple[str, int], Pool] = {}

    async def exchange(
        self, method: str, url: str, *, body: Content, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        """Send a request and bring the answer; raises a `TransportFailure` when there is no complete one."""
        if not isinstance(body, bytes):
            raise TypeError("a stream of bytes is for another client")
        request = _request(method, _target(url), headers, body)
        pool = self.pool(url)
        connection = pool.idle() or await pool.connected(deadline)
        try:
            return await connection.ask(request, deadline)
        finally:
            pool.give_back(connection)

    def pool(self, url: str) -> Pool:
        """Return the connections to a URL's origin; raises `Unavailable` when it's none."""
        target = _target(url)
        pool = self._pools.get((target.host, target.port))
        if pool is None:
            pool = self._pools[target.host, target.port] = Pool(target, self._max_connections, self._max_bytes)
        return pool

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()


def _request(method: str, target: _Target, headers: Mapping[str, str], body: bytes) -> bytes:
    head = f"{method} {target.path} HTTP/1.1\r\nhost: {target.authority}\r\ncontent-length: {len(body)}\r\n"
    return b"".join((head.encode("latin-1"), header_lines(headers), b"\r\n", body))


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Write headers as lines; raises `Unavailable` for what would be more than its line."""
    own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if own.count("\n") != len(headers) or own.count("\r") != len(headers) or "\0" in own:
        raise Unavailable("a header holds a line break")
    try:
        return own.encode("latin-1")
    except UnicodeEncodeError:
        raise Unavailable("a header holds a character that can't be sent") from None


def request_head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    """Write the beginning of a request: its first line, the host, and headers that are always the same."""
    target = _target(url)
    head = f"{method} {target.path} HTTP/1.1\r\nhost: {target.authority}\r\n"
    return head.encode("latin-1") + header_lines(headers)


@dataclass(slots=True)
class Pool:
    """The connections to one origin."""

    target: _Target
    most: int
    max_bytes: int
    open: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    resting: deque[Connection] = field(default_factory=deque)
    heads: dict[bytes, _KnownHead] = field(default_factory=dict)
    """Heads of answers that were read before."""

    def idle(self) -> Connection | None:
        """Take the connection that was used last, if it's still good."""
        oldest = clock.now() - IDLE_SECONDS
        while self.resting:
            connection = self.resting.pop()
            if connection.usable and connection.since > oldest:
                return connection
            self._drop(connection)
        return None

    async def connected(self, deadline: float) -> Connection:
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
                        lambda: Connection(self.max_bytes, self.heads), self.target.host, self.target.port
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

    def give_back(self, connection: Connection) -> None:
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

    def _drop(self, connection: Connection) -> None:
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


@dataclass(frozen=True, slots=True)
class _KnownHead:
    """What the head of an answer says, found out by the parser when it was read for the first time."""

    status: int
    headers: RawHeaders
    length: int


class Connection(asyncio.Protocol):
    """One connection; the parser calls back into it.

    Heads of answers repeat, byte by byte, for as long as a second has. One that is known needs no parser: its body is as
    long as it said the first time.
    """

    def __init__(self, max_bytes: int, heads: dict[bytes, _KnownHead]) -> None:
        self._max_bytes = max_bytes
        self._heads = heads
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox_of(self._loop)
        self._alarm = clock.Alarm(self._loop, self._late)
        self._parser: Any = None
        self._done: Done | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._fruitless = 0
        self._length_known = False
        self._headers: list[tuple[str, str]] = []
        self._head: bytes | None = None
        """The head as it came, if it came in one piece and may be remembered."""
        self._known: _KnownHead | None = None
        self._complete = False
        self._closed = False
        self._good = True
        self.since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._good and not self._closed and self._done is None

    def start(self, request: bytes, deadline: float, done: Done) -> None:
        """Send a request; `done` is told of its outcome, once, and never before this returns."""
        self._done = done
        self._outbox.away += 1
        self._fruitless = 0
        self._alarm.set(deadline)
        self._begin()
        if self._closed:
            self._loop.call_soon(self._fail, ConnectionLost("ConnectionClosed"))
        else:
            self._outbox.write(self._transport, request)

    async def ask(self, request: bytes, deadline: float) -> Answer:
        """Send a request; whatever ends the wait before the answer is complete spoils the connection."""
        answer: asyncio.Future[Answer] = self._loop.create_future()

        def done(outcome: Answer | TransportFailure) -> None:
            if answer.done():
                return
            if isinstance(outcome, TransportFailure):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

        self.start(request, deadline, done)
        try:
            return await answer
        except BaseException:
            self.leave()
            raise

    def leave(self) -> bool:
        """Nobody waits for the answer any more; tells whether somebody did.

        What comes now would be the answer to somebody else's question.
        """
        waited = self._done is not None
        if waited:
            self._outbox.away -= 1
        self._good = False
        self._done = None
        self._alarm.clear()
        return waited

    def abort(self) -> None:
        """Close at once."""
        self._good = False
        self._alarm.close()
        if not self._closed:
            self._transport.abort()

    def _begin(self) -> None:
        self._head = self._known = None
        self._complete = self._length_known = False
        self._size = 0
        if self._parts:
            self._parts = []
        if self._headers:
            self._headers = []

    def _late(self) -> None:
        self._fail(TimedOut("no answer within the deadline"))

    def _fail(self, failure: TransportFailure) -> None:
        self._good = False
        self._tell(failure)

    def _tell(self, outcome: Answer | TransportFailure) -> None:
        done, self._done = self._done, None
        self._alarm.clear()
        if done is not None:
            self._outbox.away -= 1
            done(outcome)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; bytes that nobody asked for spoil the connection."""
        if self._done is None:
            self._good = False
            self._transport.abort()
            return
        if self._known is None and self._parser is None:
            data = self._after_head(data)
        if self._known is not None:
            self._take(data, self._known)
        else:
            self._parse(data)

    def _after_head(self, data: bytes) -> bytes:
        """Look whether the head is a known one; return what follows it then, else everything."""
        end = data.find(b"\r\n\r\n") + 4
        if 4 <= end <= _LONGEST_HEAD:
            head = data[:end]
            self._known = self._heads.get(head)
            if self._known is not None:
                return data[end:]
            self._head = head
        return data

    def _take(self, part: bytes, known: _KnownHead) -> None:
        """Take a part of a body whose length is known."""
        if len(part) == known.length and not self._parts:  # all at once, as nearly always
            self._tell(Answer(known.status, part, known.headers))
            return
        self._parts.append(part)
        self._size += len(part)
        if self._size < known.length:
            return
        if self._size > known.length:
            # More than there should be: the answer is one, what follows it is nobody's.
            self._good = False
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._tell(Answer(known.status, body[: known.length], known.headers))

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        before = self._size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(Unavailable("the answer is not HTTP"))
            return
        if self._complete:
            self._finish()
            return
        # Headers, trailers and informational answers without end would fill the memory until the deadline.
        self._fruitless = self._fruitless + len(data) if self._size == before else 0
        if self._fruitless > _MOST_WITHOUT_BODY and self._done is not None:
            self._fail(Malformed(f"the answer's headers are larger than {_MOST_WITHOUT_BODY} bytes"))
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer where nothing but the connection's end tells its length; fail any other."""
        self._closed = True
        self._alarm.close()
        if self._done is None:
            return
        if exc is None and self._headers and not self._length_known and self._parser is not None:
            self._finish()
        else:
            self._fail(ConnectionLost("ConnectionClosed"))

    # What the parser calls

    def on_message_begin(self) -> None:
        """Notice an answer to a question that nobody asked."""
        if self._done is None or self._complete:
            self._good = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        if not self._complete:
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Find out how the end of the body is told."""
        self._length_known = any(name in ("content-length", "transfer-encoding") for name, _ in self._headers)

    def on_body(self, part: bytes) -> None:
        """Collect the body, up to the limit."""
        if self._complete:
            return
        self._size += len(part)
        if self._size > self._max_bytes:
            status = self._parser.get_status_code()
            self._fail(Malformed(f"the answer is larger than {self._max_bytes} bytes", status=status))
            self._parts = []
            self._transport.abort()
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """Note that the answer is complete; informational ones (1xx) only precede it."""
        if self._complete:
            return
        if self._parser.get_status_code() < 200:
            self._begin()
            return
        if not self._parser.should_keep_alive():
            self._good = False
        self._complete = True

    def _finish(self) -> None:
        """Hand the answer over."""
        status: int = self._parser.get_status_code()
        self._parser = None
        headers = tuple(self._headers)
        try:
            body = _decoded(b"".join(self._parts), dict(headers).get("content-encoding", ""), self._max_bytes)
        except TransportFailure as failure:
            self._fail(failure)
            return
        if self._head is not None and self._good:
            _remember(self._heads, self._head, _KnownHead(status, headers, len(body)))
        self._tell(Answer(status, body, headers))


def _remember(heads: dict[bytes, _KnownHead], head: bytes, known: _KnownHead) -> None:
    """Keep what a head said, if it said everything: then an equal one says it again."""
    said = dict(known.headers)
    if said.get("content-length") != str(known.length) or not said.keys().isdisjoint(_MORE_THAN_A_LENGTH):
        return
    if len(heads) >= _MOST_HEADS:
        heads.clear()
    heads[head] = known


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
