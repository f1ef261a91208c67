"""Long jobs in the graph: a module that has any answers `<module>Job`, `<module>Jobs` and `<module>JobUpdated`.

A command that starts one answers a `Job`; over REST that is `202` with the job's address in `Location`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Final, Self

import strawberry
from sqlalchemy import or_, select
from strawberry.federation import type as federation_type

from subgraphs.kit import live
from subgraphs.kit.caller import Caller
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.module import Module
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import NEEDS, Rest
from subgraphs.kit.progress import Job as Row
from subgraphs.kit.progress import JobStatus
from subgraphs.kit.values import UserError

strawberry.enum(JobStatus)

_WHOLE: Final = 100


@federation_type(shareable=True)
class Job:
    """Something that takes longer than a request: how far it is, and what came of it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: str
    """What is being done: `billing.run`."""
    status: JobStatus
    """How far it is."""
    done: int
    """How many pieces are done."""
    total: int | None
    """How many pieces there are, once that is known."""
    percent: int
    """How much of it is done, from 0 to 100."""
    attempts: int
    """How often it was begun: more than once when it was interrupted."""
    result_type: str | None
    """The type of what it made: `BillingRun`."""
    result_id: strawberry.ID | None
    """What it made; ask for it by this id."""
    error: UserError | None
    """Why it FAILED."""
    started_by: strawberry.ID
    """In whose name it is done."""
    created_at: datetime
    """When it was asked for."""
    started_at: datetime | None
    """When it was begun."""
    finished_at: datetime | None
    """When it came to its end."""

    @classmethod
    def of(cls, row: Row) -> Self:
        """A row as GraphQL shows it."""
        return cls(
            id=strawberry.ID(str(row.id)),
            kind=row.kind,
            status=JobStatus(row.status),
            done=row.done,
            total=row.total,
            percent=_percent(row),
            attempts=row.attempts,
            result_type=row.result_type,
            result_id=strawberry.ID(str(row.result_id)) if row.result_id else None,
            error=UserError(code=row.error_code, message=row.error or "") if row.error_code else None,
            started_by=strawberry.ID(str(row.created_by)),
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )


def _percent(row: Row) -> int:
    if row.status == JobStatus.SUCCEEDED.value:
        return _WHOLE
    # What is not done is never 100.
    return min(_WHOLE - 1, row.done * _WHOLE // row.total) if row.total else 0


@federation_type(shareable=True)
class JobPayload:
    """What became of the command."""

    job: Job | None = None
    """The job that was started: watch it until it is done."""
    errors: list[UserError]
    """Why it was not started; empty when it was."""


def readable(query: type, module: Module) -> type:
    """The query type `query` with the fields by which this module's long jobs are read."""
    if not module.long_jobs:
        return query

    async def one(self: object, info: Info, id: strawberry.ID) -> Job | None:  # noqa: A002, ARG001 - as GraphQL says
        """A long job of this module; null when it is not there, or not yours."""
        key = parsed(id)
        async with info.context.work(_held(info.context.caller, module)) as work:
            row = await work.find(Row, key) if key else None
        return Job.of(row) if row and _sees(info.context.caller, row) else None

    async def several(
        self: object,  # noqa: ARG001 - Strawberry calls it as a method
        info: Info,
        status: JobStatus | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Job]:
        """The long jobs of this module, the newest first: your own, and those of the kinds that you may start."""
        caller = info.context.caller
        mine = or_(Row.created_by == caller.subject, Row.permission.in_(_scopes(caller, module)))
        statement = select(Row).where(mine).order_by(Row.created_at.desc(), Row.id.desc())
        if status is not None:
            statement = statement.where(Row.status == status.value)
        async with info.context.work(_held(caller, module)) as work:
            rows = await work.session.scalars(statement.limit(bounded(limit)).offset(skipped(offset)))
        return [Job.of(row) for row in rows]

    one.__name__, several.__name__ = f"{module.name}_job", f"{module.name}_jobs"
    for resolver in (one, several):
        setattr(resolver, NEEDS, module.long_jobs[0].scope)
    place = f"/jobs/{module.name}"
    fields = {
        one.__name__: strawberry.field(one, directives=(Rest(path=f"{place}/{{id}}"),)),
        several.__name__: strawberry.field(several, directives=(Rest(path=place),)),
    }
    return strawberry.type(type(query.__name__, (query,), {"__doc__": query.__doc__, **fields}))


def watchable(subscription: type | None, module: Module) -> type | None:
    """The subscription type `subscription` with the field by which a long job is watched."""
    if not module.long_jobs:
        return subscription

    async def updated(self: object, info: Info, id: strawberry.ID) -> AsyncGenerator[Job, None]:  # noqa: A002, ARG001 - as GraphQL says
        """A long job of this module, each time when it got on, until you have seen enough."""
        caller = info.context.caller
        scope = _held(caller, module)
        seen = live.changes(info.context, Row, scope, identity=id, where=lambda row: _sees(caller, row))
        async with aclosing(seen) as rows:
            async for row in rows:
                yield Job.of(row)

    updated.__name__ = f"{module.name}_job_updated"
    setattr(updated, NEEDS, module.long_jobs[0].scope)
    bases, words = (subscription,) if subscription else (), "What can be watched."
    named = {
        "__doc__": subscription.__doc__ if subscription else words,
        updated.__name__: strawberry.subscription(updated),
    }
    return strawberry.type(type("Subscription", bases, named))


def _scopes(caller: Caller, module: Module) -> list[str]:
    return [long.scope for long in module.long_jobs if caller.holds(long.scope)]


def _held(caller: Caller, module: Module) -> str:
    return next(iter(_scopes(caller, module)), module.long_jobs[0].scope)


def _sees(caller: Caller, row: Row) -> bool:
    return row.created_by == caller.subject or caller.holds(row.permission)
