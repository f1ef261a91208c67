"""What the relay does with the outbox when all goes well, and when something dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from contracts.events.envelope import Envelope
from contracts.events.tickets import TicketAssigned
from subgraphs.kit import relay, wire
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.broker import Broker, LocalBroker, Message, Publisher, Queue
from subgraphs.kit.relay import Pace
from tests.subgraphs.kit.conftest import Schema, staff

QUEUE = Queue("test_relay", "all", ("ticket.assigned",))
PACE = Pace(poll_seconds=0.05, backoff=Backoff(first_seconds=0.01, most_seconds=0.05))


@dataclass
class Unreliable:
    """A way into a broker that refuses some messages, or breaks before or after it has handed them over."""

    broker: Broker
    refuse: Callable[[Message], bool] = lambda _: False
    break_before: int = 0
    break_after: int = 0
    seen: list[UUID] = field(default_factory=list)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """Open a way in that may break."""
        async with self.broker.publisher() as inner:
            self._inner = inner
            yield self

    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Hand over what is not refused."""
        if self.break_before:
            self.break_before -= 1
            raise ConnectionError("broke before")
        taken = await self._inner.publish([message for message in messages if not self.refuse(message)])
        self.seen += [message.id for message in messages]
        if self.break_after:
            self.break_after -= 1
            raise ConnectionError("broke after")
        return taken


@asynccontextmanager
async def relaying(schema: Schema, broker: Any, *, pace: Pace = PACE, relays: int = 1) -> AsyncIterator[None]:
    """Have relays running for the length of the block."""
    running = [asyncio.create_task(relay.run(schema.relay_url, broker, "tickets", pace=pace)) for _ in range(relays)]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def emptied(schema: Schema, *, waiting: int = 0) -> None:
    """Wait until the outbox has nothing more to publish."""
    async with asyncio.timeout(60):
        while await _waiting(schema) != waiting:
            await asyncio.sleep(0.02)


async def _waiting(schema: Schema) -> int:
    return int((await schema.rows("SELECT count(*) AS n FROM outbox WHERE published_at IS NULL"))[0]["n"])


async def arrived(broker: LocalBroker) -> list[UUID]:
    """The tickets that the events in the queue are about, in their order."""
    async with wire.connection(broker.url, application="test") as connection:
        rows = await connection.fetch("SELECT body FROM message WHERE queue = $1 ORDER BY position", QUEUE.name)
    return [Envelope.from_json(row["body"]).read(TicketAssigned).id for row in rows]


@pytest.fixture
async def queue(local_broker: LocalBroker) -> LocalBroker:
    """Our own broker with one queue that wants the events of these tests."""
    await local_broker.declare(QUEUE)
    return local_broker


async def test_events_are_published_in_their_order_and_marked(schema: Schema, queue: LocalBroker) -> None:
    tickets = await schema.emit(count=30)

    async with relaying(schema, queue, pace=Pace(batch=7)):
        await emptied(schema)
    assert await arrived(queue) == tickets


async def test_a_published_event_stays_for_a_while(schema: Schema, queue: LocalBroker) -> None:
    await schema.emit(count=3)

    async with relaying(schema, queue):
        await emptied(schema)
    assert await schema.rows("SELECT count(*) AS n FROM outbox WHERE published_at IS NOT NULL") == [{"n": 3}]


async def test_an_event_is_under_way_long_before_the_relay_would_look_by_itself(
    schema: Schema, queue: LocalBroker
) -> None:
    async with relaying(schema, queue, pace=Pace(poll_seconds=30)):
        await schema.emit()
        await emptied(schema)
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        await schema.emit()
        await emptied(schema)

        assert asyncio.get_running_loop().time() - began < 10


async def test_what_was_not_handed_over_is_handed_over_later(schema: Schema, queue: LocalBroker) -> None:
    tickets = await schema.emit(count=5)

    async with relaying(schema, Unreliable(queue, break_before=3)):
        await emptied(schema)
    assert await arrived(queue) == tickets


async def test_what_was_handed_over_but_not_marked_is_handed_over_again(schema: Schema, queue: LocalBroker) -> None:
    """At least once: the consumers' inbox makes one effect of it."""
    tickets = await schema.emit(count=2)

    async with relaying(schema, Unreliable(queue, break_after=1)):
        await emptied(schema)
    assert await arrived(queue) == tickets + tickets


async def test_nothing_is_marked_that_was_not_confirmed(schema: Schema, queue: LocalBroker) -> None:
    await schema.emit(count=4)
    dead = Unreliable(queue, break_before=1_000_000)

    async with relaying(schema, dead):
        await asyncio.sleep(0.3)
    assert await _waiting(schema) == 4
    assert await arrived(queue) == []


async def test_what_the_broker_refuses_does_not_hold_up_the_rest(schema: Schema, queue: LocalBroker) -> None:
    tickets = await schema.emit(count=6)
    refused = str(tickets[0]).encode()
    choosy = Unreliable(queue, refuse=lambda message: refused in message.body)

    async with relaying(schema, choosy, pace=Pace(batch=1, poll_seconds=0.05)):
        await emptied(schema, waiting=1)
        assert await arrived(queue) == tickets[1:]
        [row] = await schema.rows(
            "SELECT attempts, due_at > now() - interval '1s' AS later FROM outbox WHERE published_at IS NULL"
        )
        assert (row["attempts"] >= 1, row["later"]) == (True, True)
        choosy.refuse = lambda _: False
        await emptied(schema)
    assert await arrived(queue) == [*tickets[1:], tickets[0]]


async def test_several_relays_share_the_work_and_publish_everything_once(schema: Schema, queue: LocalBroker) -> None:
    tickets = await schema.emit(count=300)

    async with relaying(schema, queue, pace=Pace(batch=10, poll_seconds=0.05), relays=3):
        await emptied(schema)
    assert sorted(await arrived(queue)) == sorted(tickets)


async def test_an_event_that_got_its_place_early_and_was_committed_late_is_found(
    schema: Schema, queue: LocalBroker
) -> None:
    async with relaying(schema, queue):
        async with schema.begin(staff(), command="test") as slow:
            early = UUID(int=1)
            await slow.emit(TicketAssigned(id=early), subject=early)
            [late] = await schema.emit()
            await emptied(schema)
            assert await arrived(queue) == [late]
        await emptied(schema)
    assert await arrived(queue) == [late, early]


async def test_the_relay_outlives_its_connection_to_the_database(schema: Schema, queue: LocalBroker) -> None:
    async with relaying(schema, queue):
        first = await schema.emit()
        await emptied(schema)
        ended = await schema.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickets.relay'"
        )
        second = await schema.emit()
        await emptied(schema)

    assert len(ended) == 1
    assert await arrived(queue) == first + second


async def test_the_relay_sweeps_what_was_published_long_ago(schema: Schema, queue: LocalBroker) -> None:
    await schema.emit()
    await schema.rows("UPDATE outbox SET published_at = now() - interval '30 days'")

    async with relaying(schema, queue):
        async with asyncio.timeout(60):
            while await schema.rows("SELECT 1 FROM outbox"):
                await asyncio.sleep(0.02)
    assert await arrived(queue) == []
