"""Somebody who is sent webhooks: a server on sockets of its own, that behaves as badly as its script says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Manner = Callable[["Request", Writer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """What came, and how the next ones are answered: each manner once, the last one for ever."""

    manners: list[Manner] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""

    def behaves(self, *manners: Manner) -> None:
        """Answer like this from now on."""
        self.manners = list(manners)
        self.requests.clear()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """Take one request and answer it."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            request = await _read(reader)
            self.requests.append(request)
            manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
            await manner(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()


async def _read(reader: Reader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0], headers, body)


def answers(status: int, body: str = "", **headers: str) -> Manner:
    """Answer with a status."""

    async def manner(_request: Request, writer: Writer) -> None:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{lines}\r\n{body}".encode())
        await writer.drain()

    return manner


OK = answers(200, "thank you")


async def resets(_request: Request, writer: Writer) -> None:
    """Cut the connection without a farewell."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hangs(_request: Request, _writer: Writer) -> None:
    """Say nothing for ever."""
    await asyncio.Event().wait()


async def speaks_no_http(_request: Request, writer: Writer) -> None:
    """Answer something else."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


async def has_huge_headers(_request: Request, writer: Writer) -> None:
    """Send headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(3_000):
        writer.write(f"x-{number}: {'y' * 100}\r\n".encode())
    await writer.drain()


def never_ends(status: int, pieces: list[int]) -> Manner:
    """Answer with a body that goes on for as long as anybody listens; counts what was sent."""

    async def manner(_request: Request, writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        while not writer.is_closing():
            writer.write(b"400\r\n" + b"z" * 1024 + b"\r\n")
            await writer.drain()
            pieces.append(1024)

    return manner


def drips(status: int) -> Manner:
    """Say what became of it, and then a byte now and again for ever."""

    async def manner(_request: Request, writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 1000000\r\n\r\n".encode())
        while not writer.is_closing():
            writer.write(b"z")
            await writer.drain()
            await asyncio.sleep(0.01)

    return manner


def is_a_bomb(packed: bytes) -> Manner:
    """Answer with a body that is small until somebody unpacks it."""

    async def manner(_request: Request, writer: Writer) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n"
        writer.write(head.encode() + packed)
        await writer.drain()

    return manner


@contextlib.asynccontextmanager
async def listening(*manners: Manner, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a receiver for the length of the block."""
    receiver = Receiver(list(manners or (OK,)))
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await receiver.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    receiver.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
