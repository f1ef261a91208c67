"""The audit in the graph: each module answers `<module>Audit`, for those who may read its records.

`audit:read` opens every module's records; narrowed to `.finance` or `.security` it opens those that `contracts.scopes`
lists. What is shown is what PostgreSQL shows: records are for people of the tenant, and who sees only some customers
sees only what was done to theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, RowMapping, Select, false, select
from strawberry.federation import type as federation_type

from contracts.scopes import AUDITED
from subgraphs.kit.audit import AUDIT
from subgraphs.kit.caller import Caller
from subgraphs.kit.context import Info
from subgraphs.kit.filters import TimeRange
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import NEEDS, Rest
from subgraphs.kit.values import JSON

SCOPE = "audit:read"
_NEWEST_FIRST = (AUDIT.c.at.desc(), AUDIT.c.position.desc(), AUDIT.c.id)
"""What is done at once has one moment, and follows one another in its strand."""


@federation_type(shareable=True)
class AuditEntry:
    """Who did what, to what, from where; nobody can change it, and each entry is chained to the one before it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    at: datetime
    """When it was done."""
    actor: strawberry.ID
    """Who did it: a user or a service account; only zeros for the platform itself."""
    actor_kind: str
    """On which side of the counter they stand: STAFF, CUSTOMER, COMANAGED, SERVICE or SYSTEM."""
    impersonator: strawberry.ID | None
    """Who acted in the actor's name, if somebody did."""
    api_key: strawberry.ID | None
    """The API key that stood for the actor, if one did."""
    action: str
    """What was done or tried: the command, or the field that was asked for."""
    outcome: str
    """CREATED, CHANGED or REMOVED what is named; or DONE, or REFUSED."""
    resource: str | None
    """The type of the thing that it was done to."""
    resource_id: strawberry.ID | None
    """The thing that it was done to."""
    customer_id: strawberry.ID | None
    """The customer to whom the thing belongs."""
    before: JSON | None
    """What changed, as it was."""
    after: JSON | None
    """What changed, as it has been since; or what else is known."""
    ip: str | None
    """The network address from which it was asked for."""
    correlation_id: str | None
    """The request that it was part of: as in the logs, and in the events that followed."""
    hash: str
    """The link of the chain that this entry is."""
    prev_hash: str
    """The link before it, of the same strand."""


@strawberry.input
class AuditFilter:
    """Which entries: all that is given must hold."""

    actor: strawberry.ID | None = None
    """Done by this user or service account, or in their name."""
    action: list[str] | None = None
    """One of these commands or fields."""
    outcome: list[str] | None = None
    """One of these outcomes."""
    resource: str | None = None
    """Done to things of this type."""
    resource_id: strawberry.ID | None = None
    """Done to this thing."""
    customer_id: strawberry.ID | None = None
    """Done to what belongs to this customer."""
    at: TimeRange | None = None
    """Done in this span of time."""


def readable(query: type, module: str) -> type:
    """The query type `query` with the field by which this module's records are read."""

    async def entries(
        self: object,  # noqa: ARG001 - Strawberry calls it as a method
        info: Info,
        filter: Annotated[AuditFilter | None, strawberry.argument(description="Which entries.")] = None,  # noqa: A002
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[AuditEntry]:
        """What was done in this module, the newest first; needs `audit:read`."""
        scope = _held(info.context.caller, module)
        statement = _selected(filter).limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(scope) as work:
            rows = (await work.session.execute(statement)).mappings().all()
        return [_entry(row) for row in rows]

    entries.__name__ = f"{module}_audit"
    setattr(entries, NEEDS, SCOPE)
    field = strawberry.field(entries, directives=(Rest(path=f"/audit/{module}"),))
    extended = type(query.__name__, (query,), {"__doc__": query.__doc__, entries.__name__: field})
    return strawberry.type(extended)


def _held(caller: Caller, module: str) -> str:
    """The permission by which the caller may read these records; what to ask for when there is none."""
    parts = (f"{SCOPE}.{part}" for part, modules in AUDITED.items() if module in modules)
    return next((part for part in parts if caller.holds(part)), SCOPE)


def _selected(wanted: AuditFilter | None) -> Select[Any]:
    return select(AUDIT).where(*_conditions(wanted)).order_by(*_NEWEST_FIRST)


def _conditions(wanted: AuditFilter | None) -> Iterator[ColumnElement[bool]]:
    if wanted is None:
        return
    columns = AUDIT.c
    things = ((columns.actor_id, wanted.actor), (columns.resource_id, wanted.resource_id))
    for column, identity in (*things, (columns.customer_id, wanted.customer_id)):
        if identity is not None:
            key = parsed(identity)
            yield false() if key is None else column == key
    for column, words in ((columns.command, wanted.action), (columns.change, wanted.outcome)):
        if words is not None:
            yield column.in_(words)
    if wanted.resource is not None:
        yield columns.resource == wanted.resource
    since, until = wanted.at.ends() if wanted.at else (None, None)
    if since is not None:
        yield columns.at >= since
    if until is not None:
        yield columns.at < until


def _entry(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        id=_id(row["id"]),
        at=row["at"],
        actor=_id(row["actor_id"]),
        actor_kind=row["actor_kind"],
        impersonator=_id(row["impersonator_id"]),
        api_key=_id(row["api_key_id"]),
        action=row["command"],
        outcome=row["change"],
        resource=row["resource"],
        resource_id=_id(row["resource_id"]),
        customer_id=_id(row["customer_id"]),
        before=row["before"],
        after=row["after"],
        ip=row["address"],
        correlation_id=row["correlation"],
        hash=row["hash"].hex(),
        prev_hash=row["previous"].hex(),
    )


def _id(identity: UUID | None) -> Any:
    return None if identity is None else strawberry.ID(str(identity))
