"""Streams from subgraphs as Server-Sent Events: one POST, one answer that goes on, over HTTP or inside of this process.

The protocol is the distinct connections mode of graphql-sse: `event: next` carries a GraphQL response, `event: complete`
is the end. A service that answers with JSON instead has refused, or has answered once and is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import orjson
import structlog

from router.executor.handover import Handover
from router.executor.streams import Events, StreamBroken, StreamRefused, StreamRequest, event_of
from router.executor.transport import (
    Answer,
    ASGIApp,
    Malformed,
    Message,
    SubgraphResponse,
    TimedOut,
    Unavailable,
    asgi_scope,
    graphql_response,
)
from router.later import later

if TYPE_CHECKING:
    import httpx2
else:
    httpx2 = later("httpx2")

HEADERS: Mapping[str, str] = {"content-type": "application/json", "accept": "text/event-stream"}
_JSON = ("application/json", "application/graphql-response+json")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer whose body is still coming."""

    status: int
    content_type: str
    chunks: AsyncGenerator[bytes, None]


class ByteStream(Protocol):
    """Sends a request and gives its answer while it comes."""

    def open(
        self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> AbstractAsyncContextManager[Opened]:
        """POST; the head of the answer must be there before the deadline, the body may take for ever."""


class HttpByteStream:
    """Over HTTP; each stream has a connection of its own while it lasts."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    @asynccontextmanager
    async def open(
        self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> AsyncIterator[Opened]:
        """Send the request, and close the connection with the block: there is nothing to keep alive."""
        request = self._client.build_request("POST", url, content=body, headers=dict(headers))
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(request, stream=True)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        except (httpx2.TransportError, httpx2.InvalidURL) as fault:
            raise Unavailable(type(fault).__name__) from fault
        try:
            async with aclosing(_chunks(response)) as chunks:
                yield Opened(response.status_code, response.headers.get("content-type", ""), chunks)
        finally:
            await response.aclose()


async def _chunks(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except httpx2.DecodingError as fault:
        raise Malformed("the answer's encoding is broken") from fault
    except httpx2.TransportError as fault:
        raise StreamBroken(type(fault).__name__) from fault


class InProcessByteStream:
    """Straight into an application of this process: `inprocess://tickets/graphql` is the application named `tickets`."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    @asynccontextmanager
    async def open(
        self, url: str, *, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> AsyncIterator[Opened]:
        """Run the application in a task of its own; leaving the block is the client that hangs up."""
        parts = urlsplit(url)
        app = self._apps.get(parts.netloc)
        if app is None:
            raise Unavailable("the service is not running in this process")
        scope = asgi_scope("POST", parts.netloc, parts.path or "/graphql", parts.query, headers)
        exchange = _Exchange(body)
        # Not in a TaskGroup, which would wrap up whatever is raised in the block; the `finally` sees to its end.
        running = asyncio.create_task(exchange.run(app, scope), name=f"stream from {parts.netloc}")
        try:
            await exchange.head(deadline)
            async with aclosing(exchange.chunks()) as chunks:
                yield Opened(exchange.status, exchange.content_type, chunks)
        finally:
            await _hang_up(exchange, running)


_PARTING_SECONDS = 5.0


async def _hang_up(exchange: _Exchange, running: asyncio.Task[None]) -> None:
    """Tell the application that nobody listens any more, and see that it has ended."""
    exchange.hang_up()
    await asyncio.wait({running}, timeout=_PARTING_SECONDS)
    if not running.done():
        running.cancel()
        await asyncio.wait({running})


class _Exchange:
    """The two channels of one ASGI call whose answer goes on."""

    def __init__(self, body: bytes) -> None:
        self._request: Message | None = {"type": "http.request", "body": body, "more_body": False}
        # One chunk at a time: the application waits until it was taken.
        self._parts: Handover[bytes | None] = Handover()
        self._begun = asyncio.Event()
        self.status = 500
        self.content_type = ""
        self._failed = False

    async def run(self, app: ASGIApp, scope: Any) -> None:
        """Run the application to its end; what it raises is its own fault, as behind a socket."""
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            if not self._parts.left.is_set():
                log.warning("subgraph.raised", service=scope["server"][0], exc_info=True)
            self._failed = True
        finally:
            self._begun.set()
            await self._parts.give(None)

    def hang_up(self) -> None:
        """Be gone: the application finds out when it listens, or when it sends."""
        self._parts.leave()

    async def head(self, deadline: float) -> None:
        """Wait until the answer has begun."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._begun.wait()
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Give the body as it comes."""
        while (chunk := await self._parts.take()) is not None:
            yield chunk
        if self._failed:
            raise StreamBroken("the service failed")

    async def _receive(self) -> Message:
        if self._request is not None:
            request, self._request = self._request, None
            return request
        await self._parts.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.content_type = next(
                (value.decode("latin-1") for name, value in message["headers"] if name.lower() == b"content-type"), ""
            )
            self._begun.set()
        elif message.get("body") and not await self._parts.give(message["body"]):
            raise ConnectionResetError("nobody listens any more")


class EventStream:
    """graphql-sse over any stream of bytes; an event may have `max_event_bytes`."""

    def __init__(self, wire: ByteStream, *, max_event_bytes: int) -> None:
        self._wire = wire
        self._max = max_event_bytes

    @asynccontextmanager
    async def open(self, request: StreamRequest, deadline: float) -> AsyncIterator[Events]:
        """POST the subscription, and read the answer as events."""
        headers = {**request.headers, **HEADERS}
        async with self._wire.open(request.url, body=request.body, headers=headers, deadline=deadline) as opened:
            media_type = opened.content_type.partition(";")[0].strip().lower()
            if media_type != "text/event-stream":
                answered = await self._answered(opened, media_type, deadline)
                yield _once(answered)
                return
            async with aclosing(self._events(opened.chunks)) as events:
                yield events

    async def _answered(self, opened: Opened, media_type: str, deadline: float) -> SubgraphResponse:
        """Read an answer that is no stream: errors are a refusal, data are the one and only event."""
        if media_type not in _JSON:
            kind = Unavailable if opened.status >= 500 else Malformed
            raise kind("the answer is no event stream", status=opened.status)
        body = bytearray()
        try:
            async with asyncio.timeout_at(deadline):
                async for chunk in opened.chunks:
                    body += chunk
                    if len(body) > self._max:
                        raise Malformed(f"the answer is larger than {self._max} bytes", status=opened.status)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        response = graphql_response(Answer(opened.status, bytes(body)))
        if response.data is None:
            raise StreamRefused(response.errors)
        return response

    async def _events(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[SubgraphResponse, None]:
        async for kind, data in sse_events(chunks, self._max):
            if kind == "complete":
                return
            if kind == "next":
                yield _event(data)
        raise StreamBroken("the stream ended in the middle")


def _event(data: bytes) -> SubgraphResponse:
    try:
        return event_of(orjson.loads(data))
    except orjson.JSONDecodeError:
        raise Malformed("an event is not JSON") from None


async def _once(response: SubgraphResponse) -> AsyncGenerator[SubgraphResponse, None]:
    yield response


async def sse_events(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncGenerator[tuple[str, bytes], None]:
    """Read Server-Sent Events (HTML standard, section 9.2.6): kind and data of each; comments are heartbeats."""
    kind, data = "message", bytearray()
    async for line in _lines(chunks, max_bytes):
        if not line:
            if data or kind != "message":
                yield kind, bytes(data)
            kind, data = "message", bytearray()
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"data":
            data += (b"\n" if data else b"") + value
            if len(data) > max_bytes:
                raise Malformed(f"an event is larger than {max_bytes} bytes")


async def _lines(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Cut into lines at LF, CR LF or CR, wherever the chunks are cut."""
    rest, after_cr = b"", False
    async for chunk in chunks:
        if after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # noqa: PLW2901 - the other half of a CR LF that was cut in two
        after_cr = chunk.endswith(b"\r")
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if len(rest) > max_bytes:
            raise Malformed(f"an event is larger than {max_bytes} bytes")
        for line in lines:
            yield line
