"""Who watches is told: of their own tenant's things, as they see them then, and of nothing that they may not see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from subgraphs.kit import live
from subgraphs.kit.broker import Broker, LocalBroker, Message
from subgraphs.kit.errors import Unavailable
from subgraphs.kit.live import Feed, News

A = UUID("0192f000-0000-7000-8000-00000000000a")
B = UUID("0192f000-0000-7000-8000-00000000000b")


def told(subject: UUID, tenant: UUID = A, kind: str = "ticket.assigned", **data: Any) -> Message:
    envelope = {"type": kind, "tenantid": str(tenant), "subject": f"Ticket/{subject}", "data": data}
    return Message(id=uuid4(), key=kind, body=json.dumps(envelope).encode())


async def publish(broker: Broker, *messages: Message) -> None:
    async with broker.publisher() as publisher:
        assert len(await publisher.publish(messages)) == len(messages)


@asynccontextmanager
async def watching(feed: Feed, wants: Any = lambda _news: True, one: UUID | None = None) -> AsyncIterator[Any]:
    async with feed.running(), feed.watch(wants, one) as watcher:
        yield watcher


async def soon(watcher: Any) -> UUID:
    async with asyncio.timeout(60):
        found: UUID = await watcher.next()
        return found


async def test_every_process_hears_what_happens_from_then_on(broker: Broker) -> None:
    before, now = uuid4(), uuid4()
    await publish(broker, told(before))
    feeds = [Feed(broker, "tickets", ("ticket.*",)) for _ in range(2)]
    async with watching(feeds[0]) as one, watching(feeds[1]) as other:
        await publish(broker, told(now), told(uuid4(), kind="asset.created"))
        heard = [await soon(one), await soon(other)]

    assert heard == [now, now]
    assert [feed.watched for feed in feeds] == [0, 0]


async def test_what_is_too_long_to_be_told_comes_without_its_data(local_broker: LocalBroker) -> None:
    long, short = uuid4(), uuid4()
    heard: list[News] = []
    async with watching(Feed(local_broker, "tickets", ("ticket.*",)), lambda news: heard.append(news) or True) as one:
        await publish(local_broker, told(long, words="ü" * 9000), told(short, words="ü"))
        assert [await soon(one), await soon(one)] == [long, short]

    assert [news.data for news in heard] == [None, {"words": "ü"}]


async def test_what_changes_often_is_read_once_and_in_order(local_broker: LocalBroker) -> None:
    first, second = uuid4(), uuid4()
    async with watching(Feed(local_broker, "tickets", ("ticket.*",))) as watcher:
        await publish(local_broker, told(first), told(second), told(first), told(second))
        async with asyncio.timeout(60):
            while len(watcher.waiting) < 2:
                await asyncio.sleep(0.01)
        await publish(local_broker, told(first))
        heard = [await soon(watcher), await soon(watcher)]

    assert heard == [first, second]


async def test_a_watcher_that_lets_too_much_wait_is_told_so(
    local_broker: LocalBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_MOST_WAITING", 3)
    async with watching(Feed(local_broker, "tickets", ("ticket.*",))) as watcher:
        await publish(local_broker, *(told(uuid4()) for _ in range(4)))
        async with asyncio.timeout(60):
            while not watcher.overrun:
                await asyncio.sleep(0.01)
        with pytest.raises(Unavailable):
            await watcher.next()

    assert len(watcher.waiting) == 3


async def test_after_an_outage_what_one_watches_is_read_again_and_news_go_on(local_broker: LocalBroker) -> None:
    mine, other = uuid4(), uuid4()
    async with watching(Feed(local_broker, "tickets", ("ticket.*",)), one=mine) as watcher:
        await _end_sessions(local_broker)
        assert await soon(watcher) == mine
        await publish(local_broker, told(other))
        assert await soon(watcher) == other


async def test_nobody_can_watch_while_nothing_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_READY_SECONDS", 0.05)
    feed = Feed(LocalBroker("postgresql://nobody@127.0.0.1:1/none"), "tickets", ("ticket.*",))
    async with feed.running():
        with pytest.raises(Unavailable):
            async with feed.watch(lambda _news: True):
                pass
        assert feed.watched == 0


@pytest.mark.parametrize("body", [b"no JSON", b"7", b"{}", b'{"type": "x", "tenantid": "?", "subject": "Ticket/1"}'])
def test_what_is_no_envelope_is_passed_over(body: bytes) -> None:
    assert live.news(body) is None


async def test_a_watch_that_is_closed_is_forgotten(local_broker: LocalBroker) -> None:
    feed = Feed(local_broker, "tickets", ("ticket.*",))

    async def forever() -> AsyncGenerator[UUID, None]:
        async with feed.watch(lambda _news: True) as watcher:
            while True:
                yield await watcher.next()

    async with feed.running():
        async with aclosing(forever()) as reading:
            waiting = asyncio.ensure_future(anext(reading))
            while not feed.watched:
                await asyncio.sleep(0.01)
            await publish(local_broker, told(A))
            assert await waiting == A
        assert feed.watched == 0


async def _end_sessions(broker: LocalBroker) -> None:
    connection = await asyncpg.connect(broker.url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid() AND datname = current_database()"
        )
    finally:
        await connection.close()
