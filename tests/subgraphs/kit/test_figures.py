"""What is promised in numbers and proven by counting: the broker away, what arrives out of order, twins; each with its mutant.

Short here; `python -m tests.drills --long` counts more of the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.kit import idempotency, inbox, outbox, references, relay, wire
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.broker import Broker, Message, Publisher, Queue
from subgraphs.kit.caller import system
from subgraphs.kit.ids import uuid7
from tests.subgraphs.conftest import Start
from tests.subgraphs.kit.conftest import A, Schema, staff

LONG = os.environ.get("PSA_DRILL") == "long"
QUICK = relay.Pace(poll_seconds=0.05, backoff=Backoff(first_seconds=0.01, most_seconds=0.05))
EVENTS = 20_000 if LONG else 400
AWAY_SECONDS = 3_600.0 if LONG else 0.0
"""How long the broker is away."""
SHUFFLES = 200 if LONG else 5
TWINS = 50

Record = Callable[[str, object], None]


@dataclass(slots=True)
class Absent:
    """A broker that is away until it is back; its mutant says yes to everything and passes nothing on."""

    broker: Broker
    back: asyncio.Event = field(default_factory=asyncio.Event)
    liar: bool = False
    refused: int = 0

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """A way in, when there is one."""
        if self.liar and not self.back.is_set():
            yield _Liar()
            return
        if not self.back.is_set():
            self.refused += 1
            raise ConnectionError("the broker is away")
        async with self.broker.publisher() as publisher:
            yield publisher


class _Liar:
    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Confirm what nobody has."""
        return frozenset(message.id for message in messages)


async def through_an_outage(schema: Schema, broker: Broker, record: Record, *, liar: bool) -> int:
    """Write while the broker is away, let it come back, and count what arrived; how much was lost."""
    queue = Queue(module="drill", purpose=f"p{uuid4().hex}", keys=("ticket.assigned",))
    await broker.declare(queue)
    away = Absent(broker, liar=liar)
    async with asyncio.TaskGroup() as group:
        moving = group.create_task(relay.run(schema.relay_url, away, "tickets", pace=QUICK))  # type: ignore[arg-type]
        written = [ticket for _ in range(EVENTS // 100) for ticket in await schema.emit(count=100)]
        while not (away.refused or (liar and await waiting(schema) == 0)):
            await asyncio.sleep(0.01)
        if not liar:
            await asyncio.sleep(AWAY_SECONDS)
        away.back.set()
        began = time.perf_counter()
        async with asyncio.timeout(300):
            while await waiting(schema):
                await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        moving.cancel()
    arrived = await everything(broker, queue)
    lost = len(set(map(str, written)) - arrived)
    record(
        "figure",
        json.dumps(
            {
                "written while away": len(written),
                "failed": EVENTS - len(written),
                "hours away": AWAY_SECONDS / 3_600,
                "lost": lost,
                "drained per second": round(EVENTS / seconds),
            }
        ),
    )
    return lost


async def waiting(schema: Schema) -> int:
    async with wire.connection(schema.relay_url, application="test") as connection:
        return (await outbox.waiting(connection)).events


async def everything(broker: Broker, queue: Queue) -> set[str]:
    """The things that the events in a queue are about."""
    arrived = set()
    async with broker.deliveries(queue, prefetch=500) as deliveries:
        try:
            while True:
                async with asyncio.timeout(1.0):
                    delivery = await anext(deliveries)
                arrived.add(str(Envelope.from_json(delivery.message.body).subject_id))
                await delivery.ack()
        except TimeoutError:
            return arrived


@pytest.mark.timeout(5_000 if LONG else 600)
async def test_while_the_broker_is_away_no_write_fails_and_afterwards_nothing_is_missing(
    schema: Schema, broker: Broker, record_property: Record
) -> None:
    assert await through_an_outage(schema, broker, record_property, liar=False) == 0


@pytest.mark.timeout(1_200 if LONG else 60)
async def test_a_relay_that_is_told_yes_by_nobody_loses_everything(
    schema: Schema, local_broker: Broker, record_property: Record
) -> None:
    assert await through_an_outage(schema, local_broker, record_property, liar=True) == EVENTS


def updates(customer: UUID, count: int) -> list[Envelope]:
    """The names that a customer has had, the oldest first."""
    begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
    return [
        Envelope(
            id=uuid7(),
            source="/psa/crm",
            type="customer.updated",
            subject=f"Customer/{customer}",
            time=begin + timedelta(milliseconds=number),
            tenantid=A,
            dataschema=crm.CustomerUpdated.dataschema(),
            actorkind="SYSTEM",
            actorid=UUID(int=0),
            schemaversion=1,
            data=crm.CustomerUpdated(id=customer, number="1", name=f"name {number}", status="ACTIVE").model_dump(
                mode="json"
            ),
        )
        for number in range(count)
    ]


async def inversions(schema: Schema, record: Record) -> int:
    """Let events about one thing arrive shuffled and twice; how often the newest was not what stayed."""
    (consumer,) = references.consumers(("Customer",))
    wrong, seed = 0, random.randrange(10**6)
    choice = random.Random(seed)
    for _ in range(SHUFFLES):
        customer = uuid4()
        told = updates(customer, 10) * 2
        choice.shuffle(told)
        for one in told:
            await inbox.once(
                schema.begin,
                system(A),
                lambda work, one=one: consumer.handle(work, one),  # type: ignore[misc]
                consumer=consumer.name,
                event=one.id,
                command="test",
            )
        async with schema.begin(staff(), command="test") as work:
            wrong += (await references.require(work, "Customer", customer, field="id")).name != "name 9"
    record("figure", json.dumps({"seed": seed, "events": SHUFFLES * 20, "inversions": wrong}))
    return wrong


@pytest.mark.timeout(1_200 if LONG else 60)
async def test_of_events_that_arrive_shuffled_and_twice_the_newest_stays(
    schema: Schema, record_property: Record
) -> None:
    assert await inversions(schema, record_property) == 0


@pytest.mark.timeout(1_200 if LONG else 60)
async def test_a_copy_that_does_not_compare_times_ends_with_an_old_name(
    schema: Schema, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = str(references._LEARN).partition("WHERE")[0]
    assert forgetful != str(references._LEARN)
    monkeypatch.setattr(references, "_LEARN", text(forgetful))
    assert await inversions(schema, record_property) >= 1


async def twins(start: Start, record: Record) -> int:
    """Ask for the same fifty times at once; how many effects that had."""
    service = await start("crm")
    before = await service.count("customer")
    create = """mutation($input: CreateCustomerInput!) { createCustomer(input: $input) {
        customer { id } errors { code } } }"""
    key, given = str(uuid4()), {"name": f"Twin {uuid4()}"}
    answers = await asyncio.gather(*(service.data(create, key=key, input=given) for _ in range(TWINS)))
    effects = await service.count("customer") - before
    different = len({json.dumps(answer, sort_keys=True) for answer in answers})
    record("figure", json.dumps({"twins": TWINS, "effects": effects, "different answers": different}))
    return effects if different == 1 else different


async def test_fifty_twins_have_one_effect_and_one_answer(start: Start, record_property: Record) -> None:
    assert await twins(start, record_property) == 1


async def test_without_keys_every_twin_has_its_effect(
    start: Start, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        return None

    monkeypatch.setattr(idempotency, "first_result", never)
    assert await twins(start, record_property) == TWINS
