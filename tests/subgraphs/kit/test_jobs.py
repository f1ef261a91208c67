"""What is to be done later, and is done then: once, for the right tenant, by whoever is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pgqueuer.domain.schema.declaration import target

from subgraphs.kit import jobs, wire
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.caller import SYSTEM, Caller
from subgraphs.kit.inbox import Begin
from subgraphs.kit.jobs import Errand, Job, Pace, Payload, Task
from subgraphs.kit.work import Work
from tests.subgraphs.kit.conftest import A, B, Schema, do, staff

QUICK = Backoff(first_seconds=0.01, most_seconds=0.05)
PACE = Pace(poll_seconds=0.1, heartbeat_seconds=1.0, retry=QUICK, outage=QUICK)


async def note(job: Work, payload: Payload) -> None:
    """Have one effect for a job."""
    await do(job, str(payload["what"]))


NOTE = Job("note", note)


@asynccontextmanager
async def working(schema: Schema, *known: Task, pace: Pace = PACE, workers: int = 1) -> AsyncIterator[None]:
    """Have workers running for the length of the block."""
    running = [
        asyncio.create_task(jobs.work(schema.relay_url, "tickets", known, schema.begin, pace=pace))
        for _ in range(workers)
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def enqueue(schema: Schema, what: str, *, tenant: UUID = A, **how: Any) -> bool:
    async with schema.begin(staff(tenant, correlation="request-7"), command="test") as work:
        return await jobs.enqueue(work, "note", {"what": what}, **how)


async def states(schema: Schema) -> list[str]:
    return [row["status"] for row in await schema.rows("SELECT status::text FROM job ORDER BY id")]


async def until(schema: Schema, *expected: str) -> None:
    """Wait until exactly these jobs are in the queue, by their states."""
    async with asyncio.timeout(60):
        while await states(schema) != list(expected):
            await asyncio.sleep(0.02)


async def test_a_job_is_done_and_gone(schema: Schema) -> None:
    await enqueue(schema, "first")

    async with working(schema, NOTE):
        await until(schema)
    assert await schema.effects() == ["first"]


async def test_a_job_of_a_work_that_rolls_back_was_never_asked_for(schema: Schema) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with schema.begin(staff(), command="test") as work:
            await jobs.enqueue(work, "note", {"what": "never"})
            raise RuntimeError("no")

    assert await states(schema) == []
    assert await schema.rows("SELECT 1 FROM job_log") == []


async def test_a_job_is_done_at_once_when_a_worker_waits(schema: Schema) -> None:
    async with working(schema, NOTE, pace=Pace(poll_seconds=30, retry=QUICK, outage=QUICK)):
        await enqueue(schema, "first")
        await until(schema)
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        await enqueue(schema, "second")
        await until(schema)

        assert asyncio.get_running_loop().time() - began < 10
    assert await schema.effects() == ["first", "second"]


async def test_a_job_waits_for_its_time(schema: Schema) -> None:
    async with schema.begin(staff(), command="test") as work:
        await jobs.enqueue(work, "note", {"what": "later"}, at=work.at + timedelta(hours=1))
        await jobs.enqueue(work, "note", {"what": "overdue"}, at=work.at - timedelta(hours=1))
        [waits, _] = [work.at + timedelta(hours=1), work.at]

    async with working(schema, NOTE):
        await until(schema, "queued")
        assert await schema.effects() == ["overdue"]
        [row] = await schema.rows("SELECT execute_after FROM job")
        assert abs(row["execute_after"] - waits) < timedelta(seconds=1)
        await schema.rows("UPDATE job SET execute_after = now()")
        await until(schema)
    assert await schema.effects() == ["overdue", "later"]


async def test_a_job_is_done_for_the_tenant_who_asked(schema: Schema) -> None:
    seen: list[tuple[Caller, str]] = []

    async def look(job: Work, payload: Payload) -> None:
        seen.append((job.caller, job.command))
        await note(job, payload)

    await enqueue(schema, "theirs", tenant=B)
    async with working(schema, Job("note", look)):
        await until(schema)

    [(caller, command)] = seen
    assert (caller.tenant, caller.subject, caller.kind, caller.correlation) == (B, SYSTEM, "SYSTEM", "request-7")
    assert command == "job note"
    assert await schema.rows("SELECT tenant_id, what FROM effect") == [{"tenant_id": B, "what": "theirs"}]
    assert {row["tenant_id"] for row in await schema.rows("SELECT tenant_id FROM job_log")} == {B}


async def test_nobody_can_ask_in_the_name_of_another_tenant(schema: Schema) -> None:
    async with wire.connection(schema.runtime_url, application="test") as connection:
        await connection.execute(f"SET psa.tenant = '{A}'")
        await connection.execute(
            "INSERT INTO job (tenant_id, priority, status, entrypoint, headers) VALUES ($1, 0, 'queued', 'note', $2)",
            B,
            f'{{"tenant": "{B}"}}',
        )

    [row] = await schema.rows("SELECT tenant_id, headers->>'tenant' AS tenant FROM job")
    assert (row["tenant_id"], row["tenant"]) == (A, str(A))


async def test_without_a_tenant_nothing_can_be_asked(schema: Schema) -> None:
    async with wire.connection(schema.runtime_url, application="test") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("INSERT INTO job (priority, status, entrypoint) VALUES (0, 'queued', 'note')")

    assert await states(schema) == []


async def test_while_a_job_with_a_key_waits_another_one_is_not_enqueued(schema: Schema) -> None:
    async with schema.begin(staff(), command="test") as work:
        assert await jobs.enqueue(work, "note", {"what": "first"}, key="contract 7") is True
        assert await jobs.enqueue(work, "note", {"what": "second"}, key="contract 7") is False
        assert await jobs.enqueue(work, "note", {"what": "third"}, key="contract 8") is True
    assert await enqueue(schema, "theirs", tenant=B, key="contract 7") is True

    async with working(schema, NOTE):
        await until(schema)
    assert sorted(await schema.effects()) == ["first", "theirs", "third"]
    assert await enqueue(schema, "later", key="contract 7") is True


async def test_a_duplicate_spoils_nothing_of_the_work_around_it(schema: Schema) -> None:
    await enqueue(schema, "first", key="k")
    async with schema.begin(staff(), command="test") as work:
        await do(work, "before")
        assert await jobs.enqueue(work, "note", {"what": "second"}, key="k") is False
        await do(work, "after")

    assert await schema.effects() == ["before", "after"]


async def test_a_failing_job_is_tried_again_and_leaves_nothing_behind(schema: Schema) -> None:
    attempts = 0

    async def stumble(job: Work, payload: Payload) -> None:
        nonlocal attempts
        attempts += 1
        await do(job, f"attempt {attempts}")
        if attempts < 3:
            raise ValueError("not yet")

    await enqueue(schema, "x")
    async with working(schema, Job("note", stumble)):
        await until(schema)
    assert await schema.effects() == ["attempt 3"]


async def test_a_job_that_fails_for_good_is_held_and_can_be_let_go(schema: Schema) -> None:
    attempts = 0

    async def fails(job: Work, payload: Payload) -> None:
        nonlocal attempts
        attempts += 1
        raise ValueError("never")

    await enqueue(schema, "held")
    async with working(schema, Job("note", fails, tries=3)):
        await until(schema, "failed")
        await asyncio.sleep(0.3)
    assert attempts == 3
    assert await states(schema) == ["failed"]
    assert await schema.effects() == []

    await schema.rows("UPDATE job SET status = 'queued', attempts = 0")
    async with working(schema, NOTE):
        await until(schema)
    assert await schema.effects() == ["held"]


async def test_a_job_whose_worker_died_is_done_by_another(schema: Schema) -> None:
    await enqueue(schema, "orphan")
    abandoned = "UPDATE job SET status = 'picked', queue_manager_id = gen_random_uuid(), heartbeat = $1"
    await schema.rows(abandoned, datetime.now(UTC))

    async with working(schema, NOTE, pace=Pace(poll_seconds=0.1, heartbeat_seconds=60, retry=QUICK, outage=QUICK)):
        await asyncio.sleep(0.5)
        assert await schema.effects() == []
        await schema.rows(abandoned, datetime.now(UTC) - timedelta(seconds=61))
        await until(schema)
    assert await schema.effects() == ["orphan"]


async def test_a_job_whose_worker_died_after_it_was_done_is_not_done_twice(schema: Schema) -> None:
    await enqueue(schema, "once")
    [row] = await schema.rows("SELECT * FROM job")
    async with working(schema, NOTE):
        await until(schema)
    columns = ", ".join(row)
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await schema.rows("ALTER TABLE job DISABLE TRIGGER job_stamp")
    await schema.rows(f"INSERT INTO job ({columns}) VALUES ({places})", *row.values())
    await schema.rows("ALTER TABLE job ENABLE TRIGGER job_stamp")

    async with working(schema, NOTE):
        await until(schema)
    assert await schema.effects() == ["once"]


async def test_a_job_that_is_interrupted_is_neither_lost_nor_half_done(schema: Schema) -> None:
    """The queue would delete it: to it, a cancelled job is one that nobody wants any more."""
    attempts = 0

    async def interrupted(job: Work, payload: Payload) -> None:
        nonlocal attempts
        attempts += 1
        await do(job, f"attempt {attempts}")
        if attempts == 1:
            raise asyncio.CancelledError

    await enqueue(schema, "x")
    async with working(schema, Job("note", interrupted)):
        await until(schema)
    assert await schema.effects() == ["attempt 2"]


async def test_a_job_that_nobody_here_can_do_waits(schema: Schema) -> None:
    await enqueue(schema, "x")

    async with working(schema, Job("other", note)):
        await asyncio.sleep(0.3)
    assert await states(schema) == ["queued"]


async def test_several_workers_do_every_job_once(schema: Schema) -> None:
    async with schema.begin(staff(), command="test") as work:
        for number in range(200):
            await jobs.enqueue(work, "note", {"what": f"{number:03}"})

    async with working(schema, NOTE, workers=3):
        await until(schema)
    assert sorted(await schema.effects()) == [f"{number:03}" for number in range(200)]


async def test_workers_outlive_their_connection_to_the_database(schema: Schema) -> None:
    async with working(schema, NOTE):
        await enqueue(schema, "first")
        await until(schema)
        ended = await schema.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickets.jobs'"
        )
        await enqueue(schema, "second")
        await until(schema)

    assert len(ended) == 1
    assert await schema.effects() == ["first", "second"]


async def test_a_job_that_comes_again_enqueues_its_successor(schema: Schema) -> None:
    async def tick(job: Work, payload: Payload) -> None:
        await do(job, f"tick {payload['n']}")
        if payload["n"] < 3:
            await jobs.enqueue(job, "tick", {"n": payload["n"] + 1}, at=job.at + timedelta(milliseconds=20))

    async with schema.begin(staff(), command="test") as work:
        await jobs.enqueue(work, "tick", {"n": 1})
    async with working(schema, Job("tick", tick)):
        await until(schema)
    assert await schema.effects() == ["tick 1", "tick 2", "tick 3"]


async def test_the_log_of_jobs_that_are_gone_is_swept(schema: Schema) -> None:
    await enqueue(schema, "done")
    async with working(schema, NOTE):
        await until(schema)
    await enqueue(schema, "waiting")
    await schema.rows("UPDATE job_log SET created = now() - interval '40 days'")

    async with wire.connection(schema.relay_url, application="test") as connection:
        assert await jobs.sweep(connection, keep=timedelta(days=30)) == 3
    assert await schema.rows("SELECT status::text FROM job_log") == [{"status": "queued"}]


async def test_a_worker_sweeps_by_itself(schema: Schema) -> None:
    await enqueue(schema, "done")
    async with working(schema, NOTE):
        await until(schema)
    await schema.rows("UPDATE job_log SET created = now() - interval '100 days'")
    await schema.rows("UPDATE inbox SET handled_at = now() - interval '100 days'")

    async with working(schema, NOTE), asyncio.timeout(60):
        while await schema.rows("SELECT 1 FROM job_log UNION ALL SELECT 1 FROM inbox"):
            await asyncio.sleep(0.02)
    assert await schema.effects() == ["done"]


async def test_our_tables_have_every_column_that_pgqueuer_declares(schema: Schema) -> None:
    """A newer pgqueuer may want more: then this fails, and a migration is due."""
    names = jobs._names("tickets")
    declared = {table.name: table for table in target(names).tables}

    for name in ("job", "job_log"):
        rows = await schema.rows(
            "SELECT column_name, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'tickets' AND table_name = $1",
            name,
        )
        ours = {row["column_name"]: row["is_nullable"] == "NO" for row in rows}
        assert ours.pop("tenant_id") is True
        assert ours == {column.name: column.not_null for column in declared[name].columns}


async def test_an_errand_has_no_transaction_while_it_waits_and_is_begun_again_when_it_is_interrupted(
    schema: Schema,
) -> None:
    tried: list[UUID] = []

    async def walk(begin: Begin, asking: Caller, payload: Payload) -> None:
        tried.append(asking.tenant)
        waiting = "SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        assert await schema.rows(waiting) == []
        async with begin(asking, command="errand") as job:
            await do(job, f"{payload['what']} {len(tried)}")
            if len(tried) == 1:
                raise asyncio.CancelledError

    await enqueue(schema, "walk")
    async with working(schema, Errand("note", walk)):
        await until(schema)

    assert await schema.effects() == ["walk 2"]
    assert tried == [A, A]


async def test_a_worker_that_is_told_to_end_leaves_its_errands_to_the_next_one(schema: Schema) -> None:
    """It need not wait for whom the errand waits for."""
    begun = asyncio.Event()
    tried = 0

    async def walk(begin: Begin, asking: Caller, payload: Payload) -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            begun.set()
            await asyncio.Event().wait()
        async with begin(asking, command="errand") as job:
            await do(job, str(payload["what"]))

    await enqueue(schema, "walked")
    async with asyncio.timeout(60), working(schema, Errand("note", walk)):
        await begun.wait()
    assert await schema.effects() == []
    async with working(schema, Errand("note", walk)):
        await until(schema)

    assert await schema.effects() == ["walked"]
    assert tried == 2
