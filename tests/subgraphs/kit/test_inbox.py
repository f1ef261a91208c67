"""Events that arrive, and the one effect that each of them has."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.events.envelope import Envelope
from contracts.events.tickets import TicketAssigned, TicketClosed
from subgraphs.kit import inbox, wire
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.broker import LocalBroker, Message, dead_letters
from subgraphs.kit.broker.delivery import MOST_DELIVERIES
from subgraphs.kit.caller import SYSTEM, Caller
from subgraphs.kit.inbox import Consumer, Pace
from subgraphs.kit.work import Work
from tests.subgraphs.kit.conftest import A, B, Schema, do

QUICK = Backoff(first_seconds=0.01, most_seconds=0.05)
PACE = Pace(prefetch=10, retry=QUICK, outage=QUICK)


def envelope(*, tenant: UUID = A, ticket: UUID | None = None) -> Envelope:
    happened = TicketAssigned(id=ticket or uuid4())
    return Envelope(
        id=uuid4(),
        source="/psa/tickets",
        type=happened.type,
        subject=f"Ticket/{happened.id}",
        time=datetime(2026, 3, 2, tzinfo=UTC),
        dataschema=happened.dataschema(),
        tenantid=tenant,
        actorkind="USER",
        actorid=uuid4(),
        correlationid="request-7",
        schemaversion=1,
        data=happened.model_dump(mode="json"),
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """A consumer's end of a queue."""

    schema: Schema
    broker: LocalBroker

    async def send(self, *events: Envelope | bytes) -> None:
        """Publish events, or bytes that are none."""
        bodies = [event if isinstance(event, bytes) else event.to_json() for event in events]
        async with self.broker.publisher() as publisher:
            await publisher.publish([Message(id=uuid4(), key="ticket.assigned", body=body) for body in bodies])

    @asynccontextmanager
    async def consuming(self, *consumers: Consumer, begin: Any = None, pace: Pace = PACE) -> AsyncIterator[None]:
        """Have the consumers running for the length of the block."""
        await self.broker.declare(*(consumer.queue("test") for consumer in consumers))
        running = asyncio.create_task(
            inbox.consume(self.broker, "test", consumers, begin or self.schema.begin, pace=pace)
        )
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def emptied(self, queue: str = "q.test.%") -> None:
        """Wait until the queues are empty."""
        async with asyncio.timeout(60), wire.connection(self.broker.url, application="test") as connection:
            while await connection.fetchval("SELECT count(*) FROM message WHERE queue LIKE $1", queue):
                await asyncio.sleep(0.02)

    async def dead(self) -> list[bytes]:
        """What is with the dead letters."""
        async with wire.connection(self.broker.url, application="test") as connection:
            return [
                row["body"]
                for row in await connection.fetch(
                    "SELECT body FROM message WHERE queue = $1 ORDER BY position", dead_letters("test").name
                )
            ]


@pytest.fixture
async def desk(schema: Schema, local_broker: LocalBroker) -> Desk:
    desk = Desk(schema, local_broker)
    await local_broker.declare(Consumer("count", ("ticket.assigned",), count).queue("test"))
    return desk


async def count(job: Work, event: Envelope) -> None:
    """Have one effect for an event."""
    await do(job, str(event.read(TicketAssigned).id))


COUNT = Consumer("count", ("ticket.assigned",), count)


async def test_an_event_has_its_effect(desk: Desk) -> None:
    sent = [envelope() for _ in range(25)]
    await desk.send(*sent)

    async with desk.consuming(COUNT):
        await desk.emptied()
    assert sorted(await desk.schema.effects()) == sorted(str(event.subject_id) for event in sent)
    assert await desk.dead() == []


async def test_the_same_event_twice_has_one_effect(desk: Desk) -> None:
    event = envelope()
    await desk.send(event, event, event)

    async with desk.consuming(COUNT):
        await desk.emptied()
    assert await desk.schema.effects() == [str(event.subject_id)]


async def test_twins_that_are_handled_at_the_same_moment_have_one_effect(desk: Desk) -> None:
    """The second waits at the inbox until the first has committed."""
    event, met = envelope(), asyncio.Event()

    async def slow(job: Work, event: Envelope) -> None:
        met.set()
        await asyncio.sleep(0.2)
        await count(job, event)

    consumer = Consumer("count", ("ticket.assigned",), slow)
    await desk.send(*([event] * 8))
    async with desk.consuming(consumer, begin=desk.schema.begin):
        await desk.emptied()
    assert met.is_set()
    assert await desk.schema.effects() == [str(event.subject_id)]


async def test_two_consumers_each_have_their_effect(desk: Desk) -> None:
    event = envelope()
    other = Consumer("again", ("ticket.assigned",), count)
    await desk.broker.declare(other.queue("test"))
    await desk.send(event)

    async with desk.consuming(COUNT, other):
        await desk.emptied()
    assert await desk.schema.effects() == [str(event.subject_id)] * 2


async def test_a_consumer_acts_for_the_tenant_of_the_event_and_says_why(desk: Desk) -> None:
    seen: list[tuple[Caller, UUID | None, str]] = []

    async def tell(job: Work, event: Envelope) -> None:
        seen.append((job.caller, job.causation, job.command))
        await job.emit(TicketClosed(id=event.subject_id), subject=event.subject_id)

    event = envelope(tenant=B)
    await desk.send(event)
    async with desk.consuming(Consumer("count", ("ticket.assigned",), tell)):
        await desk.emptied()

    [(caller, causation, command)] = seen
    assert (caller.tenant, caller.subject, caller.kind, caller.correlation) == (B, SYSTEM, "SYSTEM", "request-7")
    assert (causation, command) == (event.id, "on ticket.assigned")
    [row] = await desk.schema.rows("SELECT tenant_id, envelope FROM outbox")
    told = Envelope.from_json(row["envelope"].encode())
    assert (row["tenant_id"], told.causationid, told.correlationid, told.actorkind) == (
        B,
        event.id,
        "request-7",
        "SYSTEM",
    )


async def test_a_consumer_sees_nothing_of_other_tenants(desk: Desk) -> None:
    seen: list[int] = []

    async def look(job: Work, event: Envelope) -> None:
        await do(job, "mine")
        seen.append((await job.session.execute(text("SELECT count(*) FROM effect"))).scalar_one())

    await desk.send(envelope(tenant=A), envelope(tenant=B))
    async with desk.consuming(Consumer("count", ("ticket.assigned",), look), pace=Pace(prefetch=1)):
        await desk.emptied()
    assert seen == [1, 1]


async def test_a_failed_attempt_leaves_nothing_behind_and_the_next_one_succeeds(desk: Desk) -> None:
    attempts = 0

    async def stumble(job: Work, event: Envelope) -> None:
        nonlocal attempts
        attempts += 1
        await do(job, f"attempt {attempts}")
        if attempts < 3:
            raise ValueError("not yet")

    await desk.send(envelope())
    async with desk.consuming(Consumer("count", ("ticket.assigned",), stumble)):
        await desk.emptied()
    assert await desk.schema.effects() == ["attempt 3"]
    assert await desk.schema.rows("SELECT count(*) AS n FROM inbox") == [{"n": 1}]


async def test_a_poisonous_event_ends_with_the_dead_letters(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    poison, healthy = envelope(), [envelope() for _ in range(10)]
    attempts = 0

    async def choke(job: Work, event: Envelope) -> None:
        nonlocal attempts
        await count(job, event)
        if event.id == poison.id:
            attempts += 1
            raise ValueError("poison")

    await desk.send(poison, *healthy)
    async with desk.consuming(Consumer("count", ("ticket.assigned",), choke, tries=6)):
        await desk.emptied()
    record_property("figure", json.dumps({"tries": attempts, "most tries": MOST_DELIVERIES}))
    assert attempts == 6 <= MOST_DELIVERIES
    assert await desk.dead() == [poison.to_json()]
    assert sorted(await desk.schema.effects()) == sorted(str(event.subject_id) for event in healthy)
    assert await desk.schema.rows("SELECT count(*) AS n FROM inbox") == [{"n": 10}]


async def test_while_a_failed_event_waits_for_its_next_try_its_neighbours_pass_by(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    poison, healthy = envelope(), [envelope() for _ in range(30)]
    attempts = 0

    async def choke(job: Work, event: Envelope) -> None:
        nonlocal attempts
        if event.id == poison.id:
            attempts += 1
            raise ValueError("poison")
        await count(job, event)

    patient = Pace(prefetch=3, retry=Backoff(first_seconds=600, most_seconds=600), outage=QUICK)
    await desk.send(poison, *healthy)
    began = None
    async with desk.consuming(Consumer("count", ("ticket.assigned",), choke), pace=patient), asyncio.timeout(60):
        while (seen := len(await desk.schema.effects())) < len(healthy):
            began = began or (time.monotonic() if seen else None)
            await asyncio.sleep(0.02)
    delayed = round(time.monotonic() - began, 2) if began else 0.0
    record_property("figure", json.dumps({"neighbours": len(healthy), "all through after seconds": delayed}))
    assert attempts == 1
    assert await desk.dead() == []


async def test_what_cannot_be_read_is_with_the_dead_letters_at_once(desk: Desk) -> None:
    called = False

    async def never(job: Work, event: Envelope) -> None:
        nonlocal called
        called = True

    await desk.send(b"not even JSON", b'{"specversion": "1.0"}')
    async with desk.consuming(Consumer("count", ("ticket.assigned",), never)):
        await desk.emptied()
    assert sorted(await desk.dead()) == [b"not even JSON", b'{"specversion": "1.0"}']
    assert not called


async def test_an_event_that_the_consumer_no_longer_wants_is_passed_over(desk: Desk) -> None:
    """RabbitMQ keeps the bindings of an older release."""
    wanted = envelope()
    old = envelope().model_copy(update={"type": "ticket.renamed"})
    await desk.send(old, wanted)

    async with desk.consuming(COUNT):
        await desk.emptied()
    assert await desk.schema.effects() == [str(wanted.subject_id)]
    assert await desk.dead() == []


async def test_while_the_database_is_away_the_event_waits_and_no_try_is_counted(desk: Desk) -> None:
    refused = 0
    event = envelope()

    @asynccontextmanager
    async def begin(caller: Caller, *, command: str, causation: UUID | None = None) -> AsyncIterator[Work]:
        nonlocal refused
        if refused < 30:
            refused += 1
            raise ConnectionRefusedError("the database is away")
        async with desk.schema.begin(caller, command=command, causation=causation) as job:
            yield job

    await desk.send(event)
    consumer = Consumer("count", ("ticket.assigned",), count, tries=2)
    quick = Pace(retry=QUICK, outage=Backoff(first_seconds=0.001, most_seconds=0.005))
    async with desk.consuming(consumer, begin=begin, pace=quick):
        await desk.emptied()
    assert refused == 30
    assert await desk.schema.effects() == [str(event.subject_id)]
    assert await desk.dead() == []


async def test_a_session_that_is_cut_in_the_middle_of_the_work_is_no_failed_try(desk: Desk) -> None:
    attempts = 0
    event = envelope()

    async def cut(job: Work, event: Envelope) -> None:
        nonlocal attempts
        attempts += 1
        await do(job, f"attempt {attempts}")
        if attempts <= 3:
            pid = (await job.session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            await desk.schema.rows("SELECT pg_terminate_backend($1)", pid)

    await desk.send(event)
    async with desk.consuming(Consumer("count", ("ticket.assigned",), cut, tries=1)):
        await desk.emptied()
    assert await desk.schema.effects() == ["attempt 4"]
    assert await desk.dead() == []


async def test_a_network_error_of_the_consumer_itself_is_a_failed_try(desk: Desk) -> None:
    """It must not be taken for an outage of the database, which would be waited for without end."""

    async def fails(job: Work, event: Envelope) -> None:
        raise ConnectionRefusedError("somebody else's server")

    await desk.send(envelope())
    async with desk.consuming(Consumer("count", ("ticket.assigned",), fails, tries=3)):
        await desk.emptied()
    assert len(await desk.dead()) == 1


async def test_consumers_outlive_the_broker(desk: Desk) -> None:
    first, second = envelope(), envelope()
    async with desk.consuming(COUNT):
        await desk.send(first)
        await desk.emptied()
        ended = await desk.schema.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'broker' AND datname = current_database()"
        )
        await desk.send(second)
        await desk.emptied()

    assert len(ended) == 1
    assert await desk.schema.effects() == [str(first.subject_id), str(second.subject_id)]


async def test_only_what_was_handled_long_ago_is_forgotten(desk: Desk) -> None:
    await desk.send(envelope(tenant=A), envelope(tenant=B), envelope(tenant=B))
    async with desk.consuming(COUNT):
        await desk.emptied()
    await desk.schema.rows("UPDATE inbox SET handled_at = now() - interval '91 days' WHERE tenant_id = $1", B)

    async with wire.connection(desk.schema.relay_url, application="test") as connection:
        assert await inbox.sweep(connection, keep=timedelta(days=90)) == 2
    assert await desk.schema.rows("SELECT tenant_id FROM inbox") == [{"tenant_id": A}]


async def test_a_consumer_that_is_stopped_in_the_middle_leaves_the_event_to_the_next(desk: Desk) -> None:
    event, begun = envelope(), asyncio.Event()

    async def stuck(job: Work, event: Envelope) -> None:
        await do(job, "half done")
        begun.set()
        await asyncio.sleep(60)

    await desk.send(event)
    async with desk.consuming(Consumer("count", ("ticket.assigned",), stuck)):
        await begun.wait()
    assert await desk.schema.effects() == []

    async with desk.consuming(COUNT):
        await desk.emptied()
    assert await desk.schema.effects() == [str(event.subject_id)]
