"""The short way keeps the same books as the long one, and leaves to it whatever has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from router.executor import clock
from router.executor.concurrency import ConcurrencyPolicy
from router.executor.direct import Direct, Outcome, Parcel, Told
from router.executor.http1 import Http1Exchange
from router.executor.retries import RetryPolicy
from router.executor.shaping import Shape, way
from router.executor.transport import Answer, ByScheme, TimedOut

TOLD = Told(b"authorization: Bearer a\r\n", b"x-request-id: r\r\n", lambda: {"authorization": "Bearer a"})
OTHER = Told(b"authorization: Bearer b\r\n", b"", lambda: {"authorization": "Bearer b"})
POLICY = RetryPolicy(attempts=1, first_pause_seconds=0.0)


class Service:
    """Answers what it's told to, one status after the other; it waits while `open` isn't set."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.statuses: list[int] = []
        self.left = 0
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                self.asked.append(head + await reader.readexactly(int(length.split(b":")[1])))
                await self.open.wait()
                status = self.statuses.pop(0) if self.statuses else 200
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\n{}" % status)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            self.left += 1
        finally:
            writer.close()


@asynccontextmanager
async def direct(shape: Shape) -> AsyncIterator[tuple[Direct, Service, str, list[str]]]:
    service, seen = Service(), list[str]()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    exchange = Http1Exchange(max_answer_bytes=1000)
    made = way("a", shape, ByScheme(exchange, exchange, exchange), lambda _service, event: seen.append(event)).direct
    assert made is not None
    try:
        yield made, service, f"http://127.0.0.1:{port}/graphql", seen
    finally:
        await exchange.close()
        server.close()


async def ask(short: Direct, url: str, told: Told = TOLD, seconds: float = 60.0) -> Outcome:
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    short.start(Parcel(url, b"{}", told, is_query=True), clock.now() + seconds, answer.set_result)
    assert not answer.done()
    return await answer


def status(outcome: Outcome) -> int:
    assert isinstance(outcome, Answer)
    return outcome.status


async def test_a_connection_that_rests_is_used_and_the_head_is_whole() -> None:
    async with direct(Shape(deadline_header="x-left")) as (short, service, url, _):
        assert [status(await ask(short, url)) for _ in range(3)] == [200, 200, 200]

    lines = service.asked[2].split(b"\r\n")
    assert lines[0] == b"POST /graphql HTTP/1.1"
    assert {b"authorization: Bearer a", b"x-request-id: r", b"content-length: 2"} <= set(lines)
    assert [line for line in lines if line.startswith(b"x-left: ")]
    assert service.left == 0


async def test_what_is_not_now_is_asked_again_once() -> None:
    async with direct(Shape(retry=POLICY, deduplicate=False)) as (short, service, url, seen):
        await ask(short, url)
        service.statuses = [503, 200, 503, 503]

        assert status(await ask(short, url)) == 200
        assert status(await ask(short, url)) == 503
        assert len(service.asked) == 5
        assert seen == ["retried", "retried"]


async def test_equal_ones_of_one_caller_go_once_and_the_last_to_leave_ends_them() -> None:
    async with direct(Shape()) as (short, service, url, seen):
        await ask(short, url)
        service.open.clear()
        outcomes: list[Outcome] = []
        deadline = clock.now() + 5
        equal = [short.start(Parcel(url, b"{}", TOLD, is_query=True), deadline, outcomes.append) for _ in range(3)]
        another = short.start(Parcel(url, b"{}", OTHER, is_query=True), deadline, outcomes.append)
        equal[0].cancel()
        while len(service.asked) < 3:
            await asyncio.sleep(0.001)
        assert seen == ["shared", "shared"]

        equal[1].cancel()
        service.open.set()
        while len(outcomes) < 2:
            await asyncio.sleep(0.001)
        assert [status(one) for one in outcomes] == [200, 200]

        service.open.clear()
        alone = short.start(Parcel(url, b"{}", TOLD, is_query=True), deadline, outcomes.append)
        while len(service.asked) < 4:
            await asyncio.sleep(0.001)
        alone.cancel()
        service.open.set()
        while not service.left:
            await asyncio.sleep(0.001)
        assert len(outcomes) == 2
        another.cancel()


@pytest.mark.parametrize("most", [1, 4])
async def test_who_finds_no_place_waits_in_the_same_line(most: int) -> None:
    policy = ConcurrencyPolicy(initial=most, least=1, most=most)
    async with direct(Shape(concurrency=policy, deduplicate=False)) as (short, service, url, _):
        await ask(short, url)

        assert [status(one) for one in await asyncio.gather(*(ask(short, url) for _ in range(9)))] == [200] * 9
        assert short.limiter is not None
        assert short.limiter.at_work == 0
        assert len(service.asked) == 10


async def test_a_deadline_ends_it_and_the_connection() -> None:
    async with direct(Shape()) as (short, service, url, _):
        await ask(short, url)
        service.open.clear()

        assert isinstance(await ask(short, url, seconds=0.02), TimedOut)
        service.open.set()
        assert status(await ask(short, url)) == 200
        assert len(service.asked) == 3
