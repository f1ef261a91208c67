"""What failed for good is kept with its reason, behind the walls, and comes back when somebody says so; with every broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from contracts.events.envelope import Envelope
from contracts.events.tickets import TicketAssigned
from subgraphs.kit import archivist, dead_letters, inbox, jobs, relay, wire
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.broker import MOST_DELIVERIES, Broker, Message
from subgraphs.kit.dead_letters import (
    DEAD_LETTER,
    Action,
    DeadLetterSettled,
    NotReplayable,
    Settlement,
)
from subgraphs.kit.errors import NotFound
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job
from subgraphs.kit.work import Work
from tests.subgraphs.kit.conftest import A, B, Schema, do, staff

QUICK = Backoff(first_seconds=0.001, most_seconds=0.005)
PACE = inbox.Pace(prefetch=5, retry=QUICK, outage=QUICK)
JOBS = jobs.Pace(poll_seconds=0.05, heartbeat_seconds=2.0, retry=QUICK, outage=QUICK)


class Patient:
    """A consumer that fails until it is mended."""

    def __init__(self, purpose: str) -> None:
        self.mended = False
        self.consumer = Consumer(purpose, (TicketAssigned.type,), self.handle, tries=2)

    async def handle(self, work: Work, event: Envelope) -> None:
        """Have an effect, or the bug."""
        if not self.mended:
            raise ZeroDivisionError("the bug\0 of the day")
        await do(work, f"{self.consumer.name} {event.read(TicketAssigned).id}")


@asynccontextmanager
async def running(schema: Schema, broker: Broker, *patients: Patient) -> AsyncIterator[None]:
    """Relay, consumers and archivist, as a module has them."""
    await broker.declare(*(one.consumer.queue("tickets") for one in patients))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(relay.run(schema.relay_url, broker, "tickets", pace=relay.Pace(poll_seconds=0.05))),
            group.create_task(
                inbox.consume(broker, "tickets", [one.consumer for one in patients], schema.begin, pace=PACE)
            ),
            group.create_task(archivist.archive(broker, "tickets", schema.begin, pace=QUICK)),
        ]
        yield
        for task in tasks:
            task.cancel()


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """Wait for something to be there."""
    async with asyncio.timeout(60):
        while not (what := await found()):
            await asyncio.sleep(0.02)
    return what


async def held(schema: Schema, *, status: str = "HELD", count: int = 1) -> list[dict[str, Any]]:
    """Wait for dead letters in a state."""

    async def found() -> list[dict[str, Any]]:
        rows = await schema.rows("SELECT * FROM dead_letter WHERE status = $1 ORDER BY queue, held_at", status)
        return rows if len(rows) == count else []

    rows: list[dict[str, Any]] = await until(found)
    return rows


async def settle(schema: Schema, action: Action, *ids: UUID, tenant: UUID = A) -> Settlement:
    async with schema.begin(staff(tenant), command="test") as work:
        return await dead_letters.settle(work, action, ids=[str(one) for one in ids])


def a_purpose() -> str:
    """A queue that no other test has, so that RabbitMQ need not be emptied."""
    return f"p{uuid4().hex}"


async def test_what_no_consumer_can_handle_is_kept_with_the_reason_and_comes_back_to_the_one_queue(
    schema: Schema, broker: Broker
) -> None:
    sick, well = Patient(a_purpose()), Patient(a_purpose())
    well.mended = True
    async with running(schema, broker, sick, well):
        (ticket,) = await schema.emit()
        (row,) = await held(schema)

        assert (row["kind"], row["reason"], row["attempts"]) == ("EVENT", "FAILED", 2)
        assert row["error"] == "ZeroDivisionError: the bug of the day"
        assert (row["queue"], row["type"]) == (f"q.tickets.{sick.consumer.name}", "ticket.assigned")
        assert (row["tenant_id"], row["event_id"]) == (A, Envelope.from_json(row["body"]).id)

        sick.mended = True
        made = await settle(schema, Action.REPLAY, row["id"])
        assert made.settled == [str(row["id"])]
        async with asyncio.timeout(60):
            while len(await schema.effects()) < 2:
                await asyncio.sleep(0.02)

    # The one that had it before did not get it again.
    assert sorted(await schema.effects()) == sorted(
        [f"{sick.consumer.name} {ticket}", f"{well.consumer.name} {ticket}"]
    )
    (after,) = await held(schema, status="REPLAYED")
    assert (after["replays"], after["settled_by"]) == (1, staff().subject)


async def test_what_fails_again_is_held_again(schema: Schema, broker: Broker) -> None:
    sick = Patient(a_purpose())
    async with running(schema, broker, sick):
        await schema.emit()
        (row,) = await held(schema)
        await settle(schema, Action.REPLAY, row["id"])

        async def again() -> bool:
            (now,) = await schema.rows("SELECT * FROM dead_letter")
            return bool(now["status"] == "HELD" and now["held_at"] > row["held_at"])

        await until(again)
        assert (await held(schema))[0]["replays"] == 1


async def test_what_is_no_event_is_kept_too_and_only_json_comes_back(schema: Schema, broker: Broker) -> None:
    patient = Patient(a_purpose())
    queue = patient.consumer.queue("tickets").name
    promise = b'{"tenantid": "%s", "id": "%s", "specversion": "7.0"}' % (str(A).encode(), str(uuid4()).encode())
    async with running(schema, broker, patient):
        async with broker.publisher() as publisher:
            await publisher.publish([Message(uuid4(), "ticket.assigned", body, queue) for body in (b"\xff{", promise)])
        rows = {row["body"]: row for row in await held(schema, count=2)}

        assert {row["reason"] for row in rows.values()} == {"UNREADABLE"}
        assert rows[promise]["tenant_id"] == A
        assert rows[promise]["error"].startswith("specversion: Input should be '1.0'; ")
        assert rows[b"\xff{"]["tenant_id"] == UUID(int=0)

        with pytest.raises(NotReplayable):
            await settle(schema, Action.REPLAY, rows[b"\xff{"]["id"], tenant=UUID(int=0))
        assert await settle(schema, Action.DISCARD, rows[b"\xff{"]["id"], tenant=UUID(int=0))
        assert await schema.rows("SELECT * FROM outbox WHERE queue IS NOT NULL") == []


async def test_what_kills_its_consumer_each_time_is_kept_when_the_broker_gives_it_up(
    schema: Schema, broker: Broker
) -> None:
    queue = Patient(a_purpose()).consumer.queue("tickets")
    await broker.declare(queue)
    async with broker.publisher() as publisher:
        body = await an_envelope(schema)
        await publisher.publish([Message(uuid4(), "ticket.assigned", body, queue.name)])
    async with broker.deliveries(queue, prefetch=1) as deliveries:
        for _ in range(MOST_DELIVERIES):
            await (await anext(deliveries)).release()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(deliveries)

    async with asyncio.TaskGroup() as group:
        archiving = group.create_task(archivist.archive(broker, "tickets", schema.begin, pace=QUICK))
        (row,) = await held(schema)
        archiving.cancel()

    assert (row["reason"], row["attempts"], row["queue"]) == ("DELIVERED_TOO_OFTEN", MOST_DELIVERIES, queue.name)


async def an_envelope(schema: Schema) -> bytes:
    await schema.emit()
    (row,) = await schema.rows("DELETE FROM outbox RETURNING envelope")
    return str(row["envelope"]).encode()


async def test_a_message_for_a_queue_that_is_gone_stays_ours(schema: Schema, broker: Broker) -> None:
    queue = Patient(a_purpose()).consumer.queue("tickets")
    await broker.declare(queue)
    here, gone = Message(uuid4(), "thing.done", b"{}", queue.name), Message(uuid4(), "thing.done", b"{}", "q.no.such")

    async with broker.publisher() as publisher:
        assert await publisher.publish([here, gone]) == {here.id}


async def test_a_held_job_is_kept_with_its_reason_and_begins_again(schema: Schema) -> None:
    mended = asyncio.Event()

    async def handle(work: Work, payload: jobs.Payload) -> None:
        if not mended.is_set():
            raise ZeroDivisionError("no time left")
        await do(work, f"job {payload['n']}")

    job = Job("test.sometimes", handle, tries=2)
    async with schema.begin(staff(correlation="request-1"), command="test") as work:
        await jobs.enqueue(work, job.name, {"n": 7}, key="seven")
    async with asyncio.TaskGroup() as group:
        working = group.create_task(jobs.work(schema.relay_url, "tickets", [job], schema.begin, pace=JOBS))
        (row,) = await held(schema)
        assert (row["kind"], row["queue"], row["type"]) == ("JOB", "job", "test.sometimes")
        assert (row["error"], row["attempts"], row["correlation"]) == (
            "ZeroDivisionError: no time left",
            2,
            "request-1",
        )
        assert (row["tenant_id"], row["body"]) == (A, b'{"n": 7}')

        mended.set()
        await settle(schema, Action.REPLAY, row["id"])
        await until(schema.effects)
        working.cancel()

    assert await schema.effects() == ["job 7"]
    assert (await held(schema, status="REPLAYED"))[0]["replays"] == 1


async def test_a_job_that_waits_under_the_same_key_keeps_a_held_one_from_coming_back(schema: Schema) -> None:
    identity = await a_held_job(schema, key="seven")
    async with schema.begin(staff(), command="test") as work:
        assert await jobs.enqueue(work, "test.job", {}, key="seven")

    with pytest.raises(NotReplayable):
        await settle(schema, Action.REPLAY, identity)
    assert (await held(schema))[0]["replays"] == 0
    await settle(schema, Action.DISCARD, identity)
    async with wire.connection(schema.relay_url, application="test") as connection:
        assert await dead_letters.sweep(connection, keep=timedelta(days=90)) == 0
    assert [row["status"] for row in await schema.rows("SELECT status FROM job")] == ["queued"]


async def a_held_job(schema: Schema, *, tenant: UUID = A, key: str | None = None) -> UUID:
    async with schema.begin(staff(tenant), command="test") as work:
        await jobs.enqueue(work, "test.job", {}, key=key)
    await schema.rows("UPDATE job SET status = 'failed' WHERE status = 'queued'")
    await schema.rows(
        "INSERT INTO job_log (tenant_id, job_id, status, priority, entrypoint, traceback)"
        " SELECT tenant_id, id, 'failed', 0, entrypoint, '{}' FROM job"
        "  WHERE NOT EXISTS (SELECT FROM job_log WHERE job_id = job.id AND status = 'failed')"
    )
    identity: UUID = (await schema.rows("SELECT id FROM dead_letter ORDER BY held_at DESC LIMIT 1"))[0]["id"]
    return identity


async def test_nobody_settles_what_is_not_theirs_not_there_or_settled(schema: Schema) -> None:
    mine, theirs = await a_held_job(schema), await a_held_job(schema, tenant=B)

    for strange in (str(theirs), str(uuid4()), "rubbish", ""):
        with pytest.raises(NotFound) as refused:
            async with schema.begin(staff(), command="test") as work:
                await dead_letters.settle(work, Action.REPLAY, ids=[str(mine), strange])
        assert refused.value.field == "ids"
    assert len(await held(schema, count=2)) == 2

    await settle(schema, Action.DISCARD, mine)
    with pytest.raises(DeadLetterSettled):
        await settle(schema, Action.REPLAY, mine)


async def test_all_that_fit_are_settled_and_what_cannot_come_back_is_left(schema: Schema) -> None:
    await a_held_job(schema)
    stuck = await a_held_job(schema, key="seven")
    await a_held_job(schema, tenant=B)
    async with schema.begin(staff(), command="test") as work:
        assert await jobs.enqueue(work, "test.job", {}, key="seven")

    async with schema.begin(staff(), command="test") as work:
        made = await dead_letters.settle_all(work, Action.REPLAY, where=[DEAD_LETTER.c.kind == "JOB"])

    assert (len(made.settled), made.remaining) == (1, 1)
    async with schema.begin(staff(), command="test") as work:
        left = await work.session.execute(select(DEAD_LETTER.c.id).where(DEAD_LETTER.c.status == "HELD"))
        assert left.scalars().all() == [stuck]
