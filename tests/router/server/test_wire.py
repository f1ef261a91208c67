"""Clients that are slow on purpose, or send a head without end: they lose their connection, and nobody else does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from deploy.local.serving import take
from router.server.config import RouterConfig
from router.server.wire import guarded

GOOD = (
    b"POST /graphql HTTP/1.1\r\nhost: r\r\ncontent-type: application/json\r\ncontent-length: 27\r\n"
    b'connection: close\r\n\r\n{"query": "{ __typename }"}'
)


@asynccontextmanager
async def guarding(app: Any, **settings: Any) -> AsyncIterator[int]:
    """Serve an application behind our protocol; returns the port."""
    config = RouterConfig.model_validate(settings)
    listening = take(0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", http=guarded(config)))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True


async def say(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send pieces with a pause between them, and take everything that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        async with asyncio.timeout(60):
            return await reader.read()
    except (ConnectionResetError, BrokenPipeError):
        return b""
    finally:
        writer.close()


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize(
    "pieces", [(), (b"POST /graphql HTTP/1.1\r\n",), (b"POST", b" /gra", b"phql", b" HTTP/1.1\r\nx")]
)
async def test_a_head_that_does_not_come_is_not_waited_for(platform: Any, pieces: tuple[bytes, ...]) -> None:
    async with platform() as psa, guarding(psa.app, overload={"header_seconds": 0.3}) as port:
        slow, good = await asyncio.gather(say(port, *pieces, pause=0.05), say(port, GOOD))
        after = await say(port, GOOD)

    assert refusal(slow) == (408, "REQUEST_TIMEOUT")
    assert good.endswith(b'{"data":{"__typename":"Query"}}')
    assert after.endswith(b'{"data":{"__typename":"Query"}}')


async def test_the_second_request_of_a_connection_is_watched_too(platform: Any) -> None:
    kept = GOOD.replace(b"connection: close\r\n", b"")
    async with platform() as psa, guarding(psa.app, overload={"header_seconds": 0.3}) as port:
        answers = await say(port, kept, b"POST /gr", pause=0.2)

    assert answers.count(b"HTTP/1.1 200") == 1
    assert answers.count(b"HTTP/1.1 408") == 1


@pytest.mark.parametrize("piece", [b"x" * 1000, b"x: " + b"y" * 1000 + b"\r\n"])
async def test_a_head_without_end_is_cut_off(platform: Any, piece: bytes) -> None:
    limits = {"header_bytes": 10_000, "url_bytes": 1000}
    async with platform(limits=limits) as psa, guarding(psa.app, limits=limits) as port:
        answer = await say(port, b"GET /graphql HTTP/1.1\r\n", *[piece] * 40, pause=0.001)
        good = await say(port, GOOD)

    assert answer == b"" or refusal(answer)[0] in (431, 400)
    assert good.endswith(b'{"data":{"__typename":"Query"}}')


async def test_more_connections_than_allowed_are_sent_away(platform: Any) -> None:
    async with platform() as psa, guarding(psa.app, overload={"connections": 1}) as port:
        _, first = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        answer = await say(port, b"")
        first.close()
        await asyncio.sleep(0.05)
        good = await say(port, GOOD)

    assert refusal(answer) == (503, "REQUEST_CONCURRENCY_LIMITED")
    assert b"retry-after: 1\r\n" in answer
    assert good.endswith(b'{"data":{"__typename":"Query"}}')


async def test_more_requests_than_allowed_are_refused_at_once(platform: Any) -> None:
    async with platform(overload={"concurrent_requests": 2}) as psa:
        crm, arrived, go_on = psa.running["crm"], asyncio.Semaphore(0), asyncio.Event()

        async def slow_crm(*wire: Any) -> None:
            arrived.release()
            await go_on.wait()
            await crm(*wire)

        psa.running["crm"] = slow_crm
        slow = [asyncio.create_task(psa.ask(f"{{ a{n}: sleeps(seconds: 0) }}")) for n in range(2)]
        await arrived.acquire()
        await arrived.acquire()
        refused = await psa.client.post("/graphql", json={"query": "{ __typename }"})
        health = await psa.client.get("/health/ready")
        go_on.set()
        done = [await one for one in slow]
        after = await psa.ask("{ __typename }")

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["code"] == "REQUEST_CONCURRENCY_LIMITED"
    assert health.status_code == 200
    assert [list(one["data"].values()) for one in done] == [["awake"], ["awake"]]
    assert after == {"data": {"__typename": "Query"}}


async def test_bodies_that_drip_take_nobodys_place(platform: Any) -> None:
    async def drips() -> Any:
        yield b"{"
        await asyncio.sleep(60)

    settings = {"overload": {"concurrent_requests": 1}, "request_timeout_seconds": 2}
    async with platform(**settings) as psa:
        headers = {"content-type": "application/json"}
        slow = [asyncio.create_task(psa.client.post("/graphql", content=drips(), headers=headers)) for _ in range(5)]
        await asyncio.sleep(0.2)
        good = await psa.ask("{ __typename }")
        statuses = [(await one).status_code for one in slow]

    assert good == {"data": {"__typename": "Query"}}
    assert statuses == [408] * 5


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel can't give up on such a client")
async def test_a_client_that_reads_nothing_loses_its_connection_and_its_answer_is_given_up() -> None:
    lost = asyncio.Event()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(500):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await receive()
        lost.set()

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with guarding(app, overload={"stalled_seconds": 0.5}) as port:
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET / HTTP/1.1\r\nhost: r\r\n\r\n")
            async with asyncio.timeout(60):
                await lost.wait()
