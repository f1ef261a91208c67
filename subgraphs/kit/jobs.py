"""What is to be done later: rows that are enqueued with the change that asks for them, and done by any worker.

The queue is pgqueuer's, in the module's own schema. It hands a job to one worker at a time, listens to the worker's
heartbeat, and gives the job to another when the heart stops. What we add:

* A job is enqueued on the connection, and so in the transaction, of the work that asks for it.
* It carries the tenant, put there by the database itself, and is done in a `Work` of that tenant.
* It has an id, and its effect is entered into the inbox: a worker that dies between its commit and saying "done" makes
  the job start a second time, and find that nothing is left to do.
* A failing job is tried again after growing pauses, and then held where it is, never deleted.

             enqueue ──► queued ──► picked ──► gone
                           ▲          │ fails: after a pause, up to `tries` times
                           ├──────────┤ dies:  when its heartbeat is `heartbeat_seconds` old
                           │          ▼ failed for good
               (by hand)   └──────── failed, held

A job that comes again (every five minutes, each first of the month) enqueues its successor in the work that does it.
A timer may fire late and may fire although its reason is gone, so a handler looks at the rows, not at the clock.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import models
from pgqueuer.domain.errors import DuplicateJobError, RetryRequested
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel

from subgraphs.kit import caller, dead_letters, inbox, wire
from subgraphs.kit.backoff import Backoff, insist
from subgraphs.kit.caller import Caller
from subgraphs.kit.ids import uuid7
from subgraphs.kit.inbox import Begin
from subgraphs.kit.outbox import Transaction
from subgraphs.kit.work import Work

_RETRY = Backoff(first_seconds=1.0, most_seconds=300.0)
_OUTAGE = Backoff(first_seconds=0.2, most_seconds=10.0)

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """Something that a module can be asked to do later; `name` is written into the queue, and never changes."""

    name: str
    handle: Callable[[Work, Payload], Awaitable[None]]
    tries: int = 10
    """How often a failing job is tried before it is held."""


Run = Callable[[Begin, Caller, Payload], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Errand:
    """Something done later that waits for others, so that no transaction may be open meanwhile.

    It opens works of its own, as many as it needs. Nothing guards it from being done twice: a worker that dies on the
    way makes it start again from the beginning, and it must find in its rows how far it came.
    """

    name: str
    run: Run
    tries: int = 10
    """How often a failing errand is tried before it is held."""


Task = Job | Errand


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a worker does at a time, and how patient it is."""

    together: int = 10
    poll_seconds: float = 5.0
    heartbeat_seconds: float = 30.0
    """A job whose worker was silent for this long belongs to whoever takes it."""
    retry: Backoff = _RETRY
    outage: Backoff = _OUTAGE
    keep: timedelta = timedelta(days=90)
    """How long the log of jobs and the inbox remember what was done."""
    sweep_seconds: float = 3600.0


async def enqueue(
    work: Transaction,
    name: str,
    payload: Payload,
    *,
    at: datetime | None = None,
    key: str | None = None,
    priority: int = 0,
) -> bool:
    """Have the job `name` done at `at`, or as soon as the work commits, if it commits.

    While a job of this tenant with the same `key` waits or runs, nothing is enqueued, and the answer is False.
    """
    connection = await _asyncpg(work)
    headers = {"id": str(uuid7()), "correlation": work.caller.correlation or ""}
    queries = _queries(connection, work.module)
    try:
        async with connection.transaction():  # a savepoint: a duplicate must not spoil the work around it
            await queries.enqueue(
                name,
                json.dumps(payload).encode(),
                priority=priority,
                execute_after=max(at - work.at, timedelta(0)) if at else None,
                dedupe_key=key,
                headers=headers,
            )
    except DuplicateJobError:
        return False
    return True


async def work(
    url: str,
    module: str,
    jobs: Sequence[Task],
    begin: Begin,
    *,
    pace: Pace = Pace(),
) -> None:
    """Do the jobs of `module` as they become due, until cancelled; `url` is that of the relay's role."""
    async with asyncio.TaskGroup() as group:
        group.create_task(insist(f"{module}.jobs", lambda: _work(url, module, jobs, begin, pace), backoff=pace.outage))
        group.create_task(insist(f"{module}.sweep", lambda: _sweep(url, module, pace), backoff=pace.outage))


async def _work(url: str, module: str, jobs: Sequence[Task], begin: Begin, pace: Pace) -> None:
    """Do jobs until the connection breaks."""
    async with wire.connection(url, application=f"{module}.jobs") as connection:
        worker = _Worker(_queries(connection, module), channel=Channel(channel(module)))
        errands: set[asyncio.Task[None]] = set()
        for job in jobs:
            worker.register_executor(job.name, _Executor(job, begin, pace, errands))
        running = asyncio.create_task(
            worker.run(
                dequeue_timeout=timedelta(seconds=pace.poll_seconds),
                batch_size=pace.together,
                max_concurrent_tasks=pace.together * 2,
                heartbeat_timeout=timedelta(seconds=pace.heartbeat_seconds),
                log_aggregation_interval=timedelta(
                    0
                ),  # our metrics come from OpenTelemetry; there is no statistics table
                shutdown_on_listener_failure=True,
            )
        )
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # pgqueuer waits for what is being done: a job ends soon, but an errand waits for others, who may never answer.
            for errand in tuple(errands):
                errand.cancel()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise


async def _sweep(url: str, module: str, pace: Pace) -> None:
    """Every now and then, delete what jobs and events have left behind and nobody needs any more."""
    while True:
        async with wire.connection(url, application=f"{module}.sweep") as connection:
            await sweep(connection, keep=pace.keep)
            await inbox.sweep(connection, keep=pace.keep)
            await dead_letters.sweep(connection, keep=pace.keep)
        await asyncio.sleep(pace.sweep_seconds)


class _Worker(QueueManager):
    """pgqueuer's worker; `kit.migrate` has made the tables, so it need not ask whether `pgq install` did."""

    async def verify_structure(self) -> None:
        """Trust the migration."""


class _Executor(DatabaseRetryEntrypointExecutor):
    """Does one kind of job, each in a work of its tenant, or one kind of errand."""

    def __init__(self, job: Task, begin: Begin, pace: Pace, errands: set[asyncio.Task[None]]) -> None:
        super().__init__(
            EntrypointExecutorParameters(concurrency_limit=0, func=self._do, on_failure="hold"),
            max_attempts=job.tries - 1,
            initial_delay=timedelta(seconds=pace.retry.first_seconds),
            max_delay=timedelta(seconds=pace.retry.most_seconds),
        )
        self._job = job
        self._begin = begin
        self._pace = pace
        self._errands = errands

    async def _do(self, record: models.Job) -> None:
        try:
            await inbox.patiently(lambda: self._once(record), self._pace.outage)
        except asyncio.CancelledError as stopped:
            # To pgqueuer a cancelled job is one that nobody wants any more; to us it is one that was interrupted.
            raise RetryRequested(reason="interrupted") from stopped

    async def _once(self, record: models.Job) -> None:
        headers = record.headers or {}
        payload: Payload = json.loads(record.payload or b"{}")
        asking = caller.system(UUID(str(headers["tenant"])), correlation=str(headers.get("correlation", "")) or None)
        match self._job:
            case Errand(run=run):
                await self._errand(run(self._begin, asking, payload))
            case Job(name=name, handle=handle):
                await inbox.once(
                    self._begin,
                    asking,
                    lambda work: handle(work, payload),
                    consumer=f"job {name}",
                    event=UUID(str(headers["id"])),
                    command=f"job {name}",
                )

    async def _errand(self, run: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(run)
        self._errands.add(task)
        try:
            await task
        finally:
            self._errands.discard(task)


def channel(module: str) -> str:
    """Where PostgreSQL notifies the workers that a job was enqueued."""
    return f"psa_jobs_{module}"


async def sweep(connection: asyncpg.Connection, *, keep: timedelta) -> int:
    """Delete what the log says about jobs that are gone, when it is older than `keep`; as the relay's role."""
    tag = await connection.execute(
        "DELETE FROM job_log WHERE created < now() - $1::interval"
        " AND NOT EXISTS (SELECT FROM job WHERE job.id = job_log.job_id)",
        keep,
    )
    return int(tag.rpartition(" ")[2])


async def _asyncpg(work: Transaction) -> asyncpg.Connection:
    """The driver's connection below a session, with the same transaction open on it."""
    fairy = await (await work.session.connection()).get_raw_connection()
    return fairy.driver_connection


def _queries(connection: asyncpg.Connection, module: str) -> Queries:
    names = _names(module)
    return Queries(
        AsyncpgDriver(connection),
        qbe=QueryBuilderEnvironment(names),
        qbq=QueryQueueBuilder(names),
        qbs=QuerySchedulerBuilder(names),
    )


@functools.cache
def _names(module: str) -> DBSettings:
    """Our names for pgqueuer's tables; every one is given, because those that are not are read from the environment."""
    return DBSettings(
        prefix="",
        db_schema=None,
        channel=Channel(channel(module)),
        function="job_enqueued",
        trigger="job_enqueued",
        queue_table="job",
        queue_table_log="job_log",
        queue_status_type="job_status",
        statistics_table="job_statistics",
        schedules_table="job_schedules",
        durability=Durability.durable,
        widen_id=False,
    )
