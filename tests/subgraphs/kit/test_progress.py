"""Long jobs: done once whatever dies, as whoever started them, and seen by those who may."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from subgraphs.kit import jobs, progress
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.caller import Caller, system
from subgraphs.kit.errors import Conflict
from subgraphs.kit.progress import Long, Made, Progress
from subgraphs.kit.work import Work
from tests.subgraphs.kit.conftest import A, Schema, do, staff

QUICK = Backoff(first_seconds=0.001, most_seconds=0.005)
PACE = jobs.Pace(poll_seconds=0.05, heartbeat_seconds=1.0, retry=QUICK, outage=QUICK)
THING = UUID("0192f000-0000-7000-8000-000000000123")


async def made(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    """Do something, and say so."""
    await told.tell(3, 7)
    await do(work, f"{given['what']} by {work.caller.subject}")
    return Made("Thing", THING)


EASY = Long("test.long", "tickets:write", made)


async def started(schema: Schema, long: Long, caller: Caller | None = None) -> UUID:
    async with schema.begin(caller or staff(), command="test") as work:
        return (await progress.start(work, long, {"what": "it", "when": work.at})).id


async def worked(schema: Schema, long: Long, job: UUID, *, until: str) -> dict[str, Any]:
    """Let a worker work until the job is in a state."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(jobs.work(schema.relay_url, "tickets", [long.task], schema.begin, pace=PACE))
        async with asyncio.timeout(60):
            while (row := await seen(schema, job))["status"] != until:
                await asyncio.sleep(0.02)
        working.cancel()
    return row


async def seen(schema: Schema, job: UUID) -> dict[str, Any]:
    return (await schema.rows("SELECT * FROM long_job WHERE id = $1", job))[0]


async def told(schema: Schema) -> list[tuple[str, int, int | None]]:
    rows = await schema.rows(
        "SELECT envelope->'data'->>'status' AS status, (envelope->'data'->>'done')::int AS done,"
        " (envelope->'data'->>'total')::int AS total FROM outbox WHERE type = 'job.updated' ORDER BY position"
    )
    return [(row["status"], row["done"], row["total"]) for row in rows]


async def test_a_long_job_is_done_as_who_started_it_and_says_how_far_it_is(schema: Schema) -> None:
    somebody = staff(customers=frozenset({uuid4()}))
    job = await started(schema, EASY, somebody)
    assert (await seen(schema, job))["status"] == "QUEUED"

    row = await worked(schema, EASY, job, until="SUCCEEDED")

    assert (row["result_type"], row["result_id"], row["attempts"], row["done"], row["total"]) == (
        "Thing",
        THING,
        1,
        7,
        7,
    )
    assert await schema.effects() == [f"it by {somebody.subject}"]
    assert await told(schema) == [("QUEUED", 0, None), ("RUNNING", 0, None), ("RUNNING", 3, 7), ("SUCCEEDED", 7, 7)]


async def test_what_is_refused_has_failed_with_the_reason_and_is_not_tried_again(schema: Schema) -> None:
    async def refused(work: Work, _given: Mapping[str, Any], _told: Progress) -> Made:
        await do(work, "half")
        raise Conflict("Not now.", field="x")

    long = Long("test.refused", "tickets:write", refused)
    row = await worked(schema, long, await started(schema, long), until="FAILED")

    assert (row["error_code"], row["error"], row["attempts"]) == ("CONFLICT", "Not now.", 1)
    assert await schema.effects() == []
    assert await schema.rows("SELECT * FROM dead_letter") == []


async def test_what_breaks_is_tried_again_then_held_and_can_begin_again(schema: Schema) -> None:
    mended = False

    async def breaks(work: Work, _given: Mapping[str, Any], _told: Progress) -> Made:
        await do(work, "it")
        if not mended:
            raise ZeroDivisionError
        return Made("Thing", THING)

    long = Long("test.breaks", "tickets:write", breaks)
    job = await started(schema, long)
    row = await worked(schema, long, job, until="FAILED")
    assert (row["error_code"], row["attempts"]) == ("INTERNAL", progress.TRIES)
    assert await schema.effects() == []
    async with asyncio.timeout(60):
        while not await schema.rows("SELECT * FROM dead_letter"):
            async with asyncio.TaskGroup() as group:
                working = group.create_task(
                    jobs.work(schema.relay_url, "tickets", [long.task], schema.begin, pace=PACE)
                )
                await asyncio.sleep(0.3)
                working.cancel()

    mended = True
    await schema.rows("UPDATE job SET status = 'queued', attempts = 0, execute_after = now()")
    row = await worked(schema, long, job, until="SUCCEEDED")
    assert (row["error_code"], await schema.effects()) == (None, ["it"])


async def test_a_worker_that_is_killed_midway_leaves_the_job_to_another_and_it_is_done_once(schema: Schema) -> None:
    reached, first = asyncio.Event(), True

    async def interrupted(work: Work, _given: Mapping[str, Any], _told: Progress) -> Made:
        nonlocal first
        await do(work, "it")
        if first:
            first = False
            reached.set()
            await asyncio.Event().wait()
        return Made("Thing", THING)

    long = Long("test.interrupted", "tickets:write", interrupted)
    job = await started(schema, long)
    async with asyncio.TaskGroup() as group:
        dying = group.create_task(jobs.work(schema.relay_url, "tickets", [long.task], schema.begin, pace=PACE))
        await reached.wait()
        assert (await seen(schema, job))["status"] == "RUNNING"
        dying.cancel()

    row = await worked(schema, long, job, until="SUCCEEDED")
    assert (row["attempts"], await schema.effects()) == (2, ["it"])


async def test_of_two_that_do_it_at_the_same_time_the_second_takes_everything_back(schema: Schema) -> None:
    both = asyncio.Barrier(2)

    async def together(work: Work, _given: Mapping[str, Any], _told: Progress) -> Made:
        await do(work, "it")
        await both.wait()
        return Made("Thing", THING)

    long = Long("test.together", "tickets:write", together)
    job = await started(schema, long)
    (queued,) = await schema.rows("DELETE FROM job RETURNING convert_from(payload, 'UTF8') AS payload")
    payload = orjson.loads(queued["payload"])

    done = await asyncio.gather(
        *(long.task.run(schema.begin, system(A), payload) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in done) == ["NoneType", "_Superseded"]
    assert await schema.effects() == ["it"]
    await long.task.run(schema.begin, system(A), payload)
    assert (await schema.effects(), (await seen(schema, job))["attempts"]) == (["it"], 2)


@pytest.mark.parametrize("caller", [staff(), staff(customers=frozenset({THING}), denied=frozenset({A}), contact=A)])
async def test_a_caller_is_the_same_after_waiting_in_the_queue(caller: Caller) -> None:
    assert progress._thawed(progress._frozen(caller)) == caller
