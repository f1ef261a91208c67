"""Requests as bytes through the protocol of the router's server, express lane included, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httptools
import httpx2
import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from router.server.express import Express
from router.server.wire import guarded


@dataclass(frozen=True)
class Lane:
    """An application that stays."""

    express: Express

    def begin(self) -> None:
        """Nobody counts."""

    def end(self) -> None:
        """Nobody counts."""


class OnTheWire(httpx2.AsyncBaseTransport):
    """A transport for clients: each request has a connection of its own."""

    def __init__(self, app: Starlette, client: tuple[str, int] = ("127.0.0.1", 123), *, express: bool = True) -> None:
        lane = Lane(app.state.express)
        self._kind = guarded(app.state.config, lambda: lane if express else None)
        self._config = uvicorn.Config(app, log_config=None, lifespan="off", proxy_headers=False, server_header=False)
        self._state = ServerState()
        self._client = client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Write the request and return the answer as soon as its head is there."""
        protocol = self._kind(self._config, self._state, {})
        answer = _Answer(request.method)
        connection = _Connection(protocol, answer, self._client)
        protocol.connection_made(connection)
        sending = asyncio.ensure_future(_send(request, protocol, connection))
        try:
            await answer.begun.wait()
        except asyncio.CancelledError:
            connection.close()
            raise
        finally:
            sending.cancel()
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Stream(answer, connection))


async def _send(request: httpx2.Request, protocol: Any, connection: _Connection) -> None:
    head = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
    head += [name + b": " + value for name, value in request.headers.raw]
    begin = b"\r\n".join(head) + b"\r\n\r\n"
    if "transfer-encoding" not in request.headers:
        protocol.data_received(begin + await request.aread())
        return
    protocol.data_received(begin)
    async for piece in request.stream:  # type: ignore[union-attr]
        if connection.is_closing():
            return
        protocol.data_received(b"%x\r\n%b\r\n" % (len(piece), piece))
    protocol.data_received(b"0\r\n\r\n")


class _Answer:
    """What comes back, as it comes."""

    def __init__(self, method: str) -> None:
        self.begun = asyncio.Event()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.parser = httptools.HttpResponseParser(self)
        self._has_no_body = method == "HEAD"

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.begun.set()
        if self._has_no_body:
            self.on_message_complete()

    def on_body(self, piece: bytes) -> None:
        self.pieces.put_nowait(piece)

    def on_message_complete(self) -> None:
        self.pieces.put_nowait(None)


class _Connection(asyncio.Transport):
    def __init__(self, protocol: Any, answer: _Answer, client: tuple[str, int]) -> None:
        super().__init__({"peername": client, "sockname": ("127.0.0.1", 80)})
        self._protocol = protocol
        self._answer = answer
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._answer.parser.feed_data(bytes(data))

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
            self._answer.on_message_complete()

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, answer: _Answer, connection: _Connection) -> None:
        self._answer = answer
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._answer.pieces.get()) is not None:
            yield piece

    async def aclose(self) -> None:
        self._connection.close()
