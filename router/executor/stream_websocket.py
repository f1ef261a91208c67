"""Streams from subgraphs over WebSockets, in the protocol graphql-transport-ws: one socket for each stream.

    connect ──► connection_init ──► connection_ack ──► subscribe ──► next … next ──► complete | error
                                                                     ping ──► pong, either way

One socket for each stream, because the headers of the handshake say who is asking. The service gets them in the payload of
`connection_init` too, where services that can't see the handshake look for a token.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, cast
from urllib.parse import urlsplit, urlunsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from router.executor.streams import (
    Events,
    SocketBroken,
    SocketRefused,
    StreamRefused,
    StreamRequest,
    error_of,
    event_of,
)
from router.executor.transport import Malformed, SubgraphResponse, TimedOut

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
_ID: Final = "1"
_PARTING_SECONDS: Final = 2.0


class WebSocketStream:
    """Speaks graphql-transport-ws with a subgraph."""

    def __init__(
        self, *, max_event_bytes: int, path: str | None = None, heartbeat_seconds: float | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """`path` takes the place of the path of the subgraph's address; `heartbeat_seconds` is how often we ping."""
        self._max = max_event_bytes
        self._path = path
        self._heartbeat = heartbeat_seconds
        self._tls = tls

    @asynccontextmanager
    async def open(self, request: StreamRequest, deadline: float) -> AsyncIterator[Events]:
        """Connect, subscribe, and close the socket with the block."""
        socket = await self._connected(request, deadline)
        try:
            await _begun(socket, request, deadline)
            async with aclosing(_events(socket)) as events:
                yield events
        finally:
            await _part(socket)

    async def _connected(self, request: StreamRequest, deadline: float) -> ClientConnection:
        url = self._address(request.url)
        # How often the socket itself is asked whether anybody is there; without a rule of ours, the library's.
        ping = {} if self._heartbeat is None else {"ping_interval": self._heartbeat or None}
        try:
            async with asyncio.timeout_at(deadline):
                return await connect(
                    url,
                    subprotocols=[PROTOCOL],
                    additional_headers=dict(request.headers),
                    max_size=self._max,
                    max_queue=4,
                    open_timeout=None,
                    close_timeout=_PARTING_SECONDS,
                    compression=None,
                    proxy=None,
                    ssl=self._tls if url.startswith("wss:") else None,
                    **cast("Any", ping),
                )
        except TimeoutError:
            raise TimedOut("no WebSocket within the deadline") from None
        except (OSError, InvalidHandshake, InvalidURI) as fault:
            raise SocketRefused(type(fault).__name__) from fault

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
        return urlunsplit((scheme, parts.netloc, self._path or parts.path, parts.query, ""))


async def _begun(socket: ClientConnection, request: StreamRequest, deadline: float) -> None:
    try:
        async with asyncio.timeout_at(deadline):
            await _send(socket, {"type": "connection_init", "payload": dict(request.headers)})
            while (message := await _received(socket))["type"] != "connection_ack":
                await _answer_ping(socket, message)
            payload = orjson.loads(request.body)
            await _send(socket, {"type": "subscribe", "id": _ID, "payload": payload})
    except TimeoutError:
        raise TimedOut("no acknowledgement within the deadline") from None
    except ConnectionClosed as closed:
        raise _refused(closed) from closed


def _refused(closed: ConnectionClosed) -> SocketRefused:
    code, reason = _close_of(closed)
    return SocketRefused(f"the WebSocket was closed with {code} {reason}".rstrip())


def _close_of(closed: ConnectionClosed) -> tuple[int, str]:
    return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")


async def _events(socket: ClientConnection) -> AsyncGenerator[SubgraphResponse, None]:
    try:
        while True:
            message = await _received(socket)
            match message["type"]:
                case "next":
                    yield event_of(message.get("payload"))
                case "error":
                    errors = message.get("payload")
                    raise StreamRefused([error_of(error) for error in errors] if isinstance(errors, list) else [])
                case "complete":
                    return
                case _:
                    await _answer_ping(socket, message)
    except ConnectionClosed as closed:
        code, reason = _close_of(closed)
        raise SocketBroken("the WebSocket was closed", closeCode=code, closeReason=reason) from closed


async def _answer_ping(socket: ClientConnection, message: dict[str, Any]) -> None:
    match message["type"]:
        case "ping":
            await _send(socket, {"type": "pong"})
        case "pong":
            pass
        case _:
            raise Malformed("the service says what the protocol does not know")


async def _received(socket: ClientConnection) -> dict[str, Any]:
    try:
        message = orjson.loads(await socket.recv())
    except orjson.JSONDecodeError:
        raise Malformed("the service sent a message that is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Malformed("the service sent a message without a type")
    return message


async def _send(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(orjson.dumps(message).decode())


async def _part(socket: ClientConnection) -> None:
    """Say that we are done, and close; a service that does not answer is left alone."""
    try:
        async with asyncio.timeout(_PARTING_SECONDS):
            await _send(socket, {"type": "complete", "id": _ID})
            await socket.close()
    except (ConnectionClosed, TimeoutError):
        socket.transport.abort()
