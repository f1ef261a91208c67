"""Long jobs: what takes longer than a request, is started by one, and is looked at until it is done.

    command ──► long_job QUEUED ──► worker ──► RUNNING ──► the work itself, and SUCCEEDED ──► result
                    │ one transaction           │ a transaction    │ one transaction, or none
                    └ job in the queue          │ of its own       └ refused: FAILED, with the reason
                                                └ how far it is: others, once a second at most

The work and the word that it is done commit together. So a worker that is killed leaves nothing behind but a job that is
RUNNING; another takes it when the heart of the first has stopped, does it from the beginning, and whoever comes second to
the end rolls back. What is done is done as whoever started it: behind their walls, under their name, with the permissions
that they had then. A job that fails without a reason of its own is tried again, and is a dead letter in the end
(`kit.dead_letters`): FAILED, and able to begin again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Uuid, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime

from contracts.events.jobs import JobUpdated
from subgraphs.kit import jobs
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Refusal
from subgraphs.kit.inbox import Begin
from subgraphs.kit.jobs import Errand, Payload
from subgraphs.kit.tables import Entity, Row
from subgraphs.kit.work import Work

TRIES: Final = 5
_INTERNAL: Final = "INTERNAL"
_EVERY_SECONDS: Final = 1.0


class JobStatus(Enum):
    """How far a long job is."""

    QUEUED = "QUEUED"
    """It waits for somebody to do it."""
    RUNNING = "RUNNING"
    """Somebody does it, or did when it was interrupted: then somebody else will."""
    SUCCEEDED = "SUCCEEDED"
    """It is done."""
    FAILED = "FAILED"
    """It was refused, or given up; nothing of it was done."""


class _Model(Row, DeclarativeBase):
    """The table of this file."""


class Job(Entity, _Model):
    """One long job; what it was told to do lies in the queue."""

    __tablename__ = "long_job"

    kind: Mapped[str]
    permission: Mapped[str]
    """Who holds it sees the job; who started it sees it in any case."""
    status: Mapped[str]
    done: Mapped[int]
    total: Mapped[int | None]
    attempts: Mapped[int]
    result_type: Mapped[str | None]
    result_id: Mapped[UUID | None] = mapped_column(Uuid)
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    started_at: Mapped[Any] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[Any] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Made:
    """What a long job made."""

    type: str
    """Its type in the graph."""
    id: UUID


@dataclass(slots=True)
class Progress:
    """Says how far a long job is, in a transaction of its own: the work's own is seen by nobody before its end."""

    begin: Begin
    asking: Caller
    module_kind: str
    job: UUID
    _told_at: float = field(default=float("-inf"))

    async def tell(self, done: int, total: int) -> None:
        """So many pieces of so many are done; what is said within a second of the last time is not passed on."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at < _EVERY_SECONDS:
            return
        self._told_at = now
        async with self.begin(self.asking, command=self.module_kind) as work:
            await _change(work, self.job, done=done, total=total)


Run = Callable[[Work, Mapping[str, Any], Progress], Awaitable[Made]]
Failed = Callable[[Work, UUID, Mapping[str, Any], "Failure"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a long job came to no good end."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Long:
    """One kind of long job that a module can be asked for; `name` is written into the queue, and never changes."""

    name: str
    scope: str
    """The permission of those who may start it, and see it."""
    run: Run
    failed: Failed | None = None
    """What else is written down when the job of this id fails, in the transaction in which it does: as the platform, and once
    more each time that somebody tries it again in vain."""

    @property
    def task(self) -> Errand:
        """How the worker does it."""

        async def run(begin: Begin, asking: Caller, payload: Payload) -> None:
            await _do(self, begin, asking, payload)

        return Errand(self.name, run, tries=TRIES)


def tasks(longs: Iterable[Long]) -> tuple[Errand, ...]:
    """What a worker does for these."""
    return tuple(long.task for long in longs)


async def start(work: Work, long: Long, given: Mapping[str, Any]) -> Job:
    """Have it done as the caller, as soon as the work commits; `given` is what `run` gets, as JSON can hold it."""
    row = work.add(
        Job(kind=long.name, permission=long.scope, status=JobStatus.QUEUED.value, done=0, total=None, attempts=0)
    )
    await work.session.flush()
    told = orjson.loads(orjson.dumps(dict(given), default=str))
    await jobs.enqueue(work, long.name, {"job": str(row.id), "caller": _frozen(work.caller), "input": told})
    await _tell(work, row)
    return row


async def _do(long: Long, begin: Begin, asking: Caller, payload: Payload) -> None:
    job = UUID(str(payload["job"]))
    async with begin(asking, command=long.name) as work:
        if not await _begun(work, job):
            return
    starter = replace(_thawed(payload["caller"]), correlation=asking.correlation)
    try:
        async with begin(starter, command=long.name) as work:
            made = await long.run(work, payload["input"], Progress(begin, asking, long.name, job))
            await _succeed(work, job, made)
    except Refusal as refusal:
        async with begin(asking, command=long.name) as work:
            await _fail(work, long, payload, Failure(refusal.code, refusal.message))
    except Exception:
        async with begin(asking, command=long.name) as work:
            if (await _locked(work, job)).attempts >= TRIES:
                await _fail(work, long, payload, _OURS)
        raise


_OURS = Failure(_INTERNAL, "Something went wrong on our side; an administrator can try it again.")


class _Superseded(Exception):
    """Somebody else has done it meanwhile."""


async def _begun(work: Work, job: UUID) -> bool:
    """Begin, unless it has come to its end."""
    row = await _locked(work, job)
    if row.status == JobStatus.SUCCEEDED.value or (row.error_code or _INTERNAL) != _INTERNAL:
        return False
    await _change(
        work,
        job,
        status=JobStatus.RUNNING.value,
        attempts=row.attempts + 1,
        started_at=row.started_at or work.at,
        finished_at=None,
        error_code=None,
        error=None,
        done=0,
    )
    return True


async def _succeed(work: Work, job: UUID, made: Made) -> None:
    row = await _locked(work, job)
    if row.status != JobStatus.RUNNING.value:
        raise _Superseded
    done = row.total if row.total is not None else 1
    await _change(
        work,
        job,
        status=JobStatus.SUCCEEDED.value,
        done=done,
        total=done,
        result_type=made.type,
        result_id=made.id,
        finished_at=work.at,
    )


async def _fail(work: Work, long: Long, payload: Payload, why: Failure) -> None:
    job = UUID(str(payload["job"]))
    if (await _locked(work, job)).status != JobStatus.SUCCEEDED.value:
        facts = {"status": JobStatus.FAILED.value, "error_code": why.code, "error": why.message}
        await _change(work, job, **facts, finished_at=work.at)
        if long.failed is not None:
            await long.failed(work, job, payload["input"], why)


async def _locked(work: Work, job: UUID) -> Job:
    query = select(Job).where(Job.id == job).with_for_update().execution_options(populate_existing=True)
    return (await work.session.scalars(query)).one()


async def _change(work: Work, job: UUID, **facts: Any) -> None:
    """Write how far it is, and tell it; straight to the table, for the audit has it when somebody starts a job."""
    values = {**facts, "version": Job.version + 1, "updated_at": work.at, "updated_by": work.caller.subject}
    changed = update(Job).where(Job.id == job).values(**values).returning(Job)
    rows = await work.session.scalars(changed, execution_options={"populate_existing": True})
    if (row := rows.one_or_none()) is not None:
        await _tell(work, row)


async def _tell(work: Work, row: Job) -> None:
    told = JobUpdated(
        id=row.id,
        module=work.module,
        kind=row.kind,
        status=row.status,
        done=row.done,
        total=row.total,
        result_type=row.result_type,
        result_id=row.result_id,
    )
    await work.emit(told, subject=row.id)


def _frozen(caller: Caller) -> dict[str, Any]:
    return {
        "tenant": str(caller.tenant),
        "subject": str(caller.subject),
        "kind": caller.kind,
        "scopes": sorted(caller.scopes),
        "customers": None if caller.customers is None else sorted(map(str, caller.customers)),
        "denied": sorted(map(str, caller.denied)),
        "roles": sorted(caller.roles),
        "narrowed": sorted(caller.narrowed),
        "contact": str(caller.contact) if caller.contact else None,
        "impersonator": str(caller.impersonator) if caller.impersonator else None,
    }


def _thawed(facts: Mapping[str, Any]) -> Caller:
    return Caller(
        tenant=UUID(facts["tenant"]),
        subject=UUID(facts["subject"]),
        kind=facts["kind"],
        scopes=frozenset(facts["scopes"]),
        customers=None if facts["customers"] is None else frozenset(map(UUID, facts["customers"])),
        denied=frozenset(map(UUID, facts["denied"])),
        roles=frozenset(facts["roles"]),
        narrowed=frozenset(facts["narrowed"]),
        contact=UUID(facts["contact"]) if facts["contact"] else None,
        impersonator=UUID(facts["impersonator"]) if facts["impersonator"] else None,
    )
