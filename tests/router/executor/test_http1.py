"""Our own HTTP/1.1 client against servers that a test writes byte by byte."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from router.executor.http1 import Http1Exchange
from router.executor.transport import Answer, ConnectionLost, Malformed, TimedOut, TransportFailure, Unavailable

BODY = b'{"data":{}}'


def http(body: bytes = BODY, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class Server:
    """Says its lines, one for each request; None leaves the client waiting, b"" closes."""

    lines: Sequence[bytes | None]
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    gone: int = 0
    goes_on: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
                self.bodies.append(await reader.readexactly(int(length.split(b":")[1])))
                self.heads.append(head)
                line = self.lines[min(len(self.heads), len(self.lines)) - 1]
                if line is None:
                    await reader.read()
                    break
                writer.write(line)
                if not line or not self.goes_on:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            self.gone += 1
            writer.close()


@asynccontextmanager
async def serving(*lines: bytes | None, goes_on: bool = True) -> AsyncIterator[Server]:
    server = Server(lines, goes_on=goes_on)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


@asynccontextmanager
async def client(**more: int) -> AsyncIterator[Http1Exchange]:
    exchange = Http1Exchange(max_answer_bytes=10_000, **more)
    try:
        yield exchange
    finally:
        await exchange.close()


async def ask(exchange: Http1Exchange, url: str, body: bytes = b"{}", seconds: float = 60.0, **headers: str) -> Answer:
    deadline = asyncio.get_running_loop().time() + seconds
    return await exchange.exchange("POST", url, body=body, headers=headers, deadline=deadline)


async def test_what_is_sent_and_what_comes_back() -> None:
    async with serving(http(BODY, "Set-Cookie: a=1", "Set-Cookie: b=2")) as server, client() as exchange:
        answer = await ask(exchange, f"{server.url}?x=1", b'{"query":"{a}"}', authorization="Bearer me")

    assert server.heads == [
        f"POST /graphql?x=1 HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-length: 15\r\n"
        "authorization: Bearer me\r\n\r\n".encode()
    ]
    assert server.bodies == [b'{"query":"{a}"}']
    assert (answer.status, answer.body) == (200, BODY)
    assert answer.headers == (("content-length", "11"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))


async def test_one_connection_serves_one_request_after_the_other() -> None:
    async with serving(http()) as server, client() as exchange:
        for _ in range(5):
            await ask(exchange, server.url)

    assert (server.connections, len(server.heads)) == (1, 5)


async def test_requests_at_the_same_time_have_a_connection_each() -> None:
    async with serving(http()) as server, client() as exchange:
        await asyncio.gather(*(ask(exchange, server.url) for _ in range(5)))

    assert server.connections == 5


async def test_whoever_finds_all_connections_in_use_waits_for_one() -> None:
    async with serving(http()) as server, client(max_connections=2) as exchange:
        answers = await asyncio.gather(*(ask(exchange, server.url) for _ in range(20)))

    assert [answer.status for answer in answers] == [200] * 20
    assert server.connections == 2


async def test_waiting_for_a_connection_ends_at_the_deadline() -> None:
    async with serving(None) as server, client(max_connections=1) as exchange:
        first = asyncio.ensure_future(ask(exchange, server.url))
        await asyncio.sleep(0.05)
        with pytest.raises(TimedOut):
            await ask(exchange, server.url, seconds=0.05)
        first.cancel()
        await asyncio.wait({first})


async def test_whoever_leaves_while_waiting_passes_the_turn_on() -> None:
    async with serving(None, http()) as server, client(max_connections=1) as exchange:
        first = asyncio.ensure_future(ask(exchange, server.url))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(ask(exchange, server.url))
        third = asyncio.ensure_future(ask(exchange, server.url))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()

        assert (await third).body == BODY


async def test_a_cancelled_request_takes_its_connection_down() -> None:
    async with serving(None, http()) as server, client() as exchange:
        leaving = asyncio.ensure_future(ask(exchange, server.url))
        while not server.connections:
            await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.wait({leaving})
        answer = await ask(exchange, server.url)

    assert answer.body == BODY
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with serving(http(), goes_on=False) as server, client() as exchange:
        for _ in range(3):
            assert (await ask(exchange, server.url)).body == BODY
            await asyncio.sleep(0.02)

    assert server.connections == 3


async def test_nothing_is_sent_twice() -> None:
    async with serving(http(), b"") as server, client() as exchange:
        await ask(exchange, server.url)
        with pytest.raises(ConnectionLost):
            await ask(exchange, server.url)

    assert len(server.heads) == 2


@pytest.mark.parametrize(
    ("line", "goes_on"),
    [
        (b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"dat\r\n6\r\na":{}}\r\n0\r\n\r\n', True),
        (b"HTTP/1.1 200 OK\r\nserver: old\r\n\r\n" + BODY, False),
        (b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + http(), True),
        (http(gzip.compress(BODY, mtime=0), "content-encoding: gzip"), True),
        (http(BODY, "connection: close"), False),
    ],
    ids=["chunked", "until the end", "informational first", "gzip", "close"],
)
async def test_every_form_of_a_body_is_read(line: bytes, *, goes_on: bool) -> None:
    async with serving(line, goes_on=goes_on) as server, client() as exchange:
        assert (await ask(exchange, server.url)).body == BODY
        assert (await ask(exchange, server.url)).body == BODY


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (http(b"x" * 10_001), Malformed),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1000\r\n" + b"x" * 4096 + b"\r\n" * 1, TimedOut),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000, Malformed),
        (http(gzip.compress(b" " * 1_000_000, mtime=0), "content-encoding: gzip"), Malformed),
        (http(gzip.compress(BODY, mtime=0)[:-4], "content-encoding: gzip"), Malformed),
        (http(b"no gzip", "content-encoding: gzip"), Malformed),
        (http(BODY, "content-encoding: br"), Malformed),
        (b"SSH-2.0-OpenSSH\r\n", Unavailable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", TimedOut),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{", Unavailable),
        (b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 40_000, Malformed),
        (b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 300_000, Malformed),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 12_000, Malformed),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x-a: b\r\n" * 40_000, Malformed),
        (b"", ConnectionLost),
    ],
)
async def test_a_broken_answer_is_one_failure_and_spoils_nothing(line: bytes, kind: type[TransportFailure]) -> None:
    async with serving(line, http()) as server, client() as exchange:
        with pytest.raises(kind):
            await ask(exchange, server.url, seconds=0.3)
        assert (await ask(exchange, server.url)).body == BODY


async def test_what_comes_unasked_is_nobodys_answer() -> None:
    async with serving(http() + http(b"another"), http()) as server, client() as exchange:
        await ask(exchange, server.url)
        assert (await ask(exchange, server.url)).body == BODY

    assert server.connections == 2


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\0b", "€"])
async def test_a_header_that_could_smuggle_is_never_sent(value: str) -> None:
    async with serving(http()) as server, client() as exchange:
        with pytest.raises(Unavailable):
            await ask(exchange, server.url, authorization=value)

    assert server.heads == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/graphql", "http://[bad", "http:///x", "http://a b/", "http://h:99999/", "http://h/\n"]
)
async def test_an_address_that_leads_nowhere_is_unavailable(url: str) -> None:
    async with client() as exchange:
        with pytest.raises(Unavailable):
            await ask(exchange, url)
