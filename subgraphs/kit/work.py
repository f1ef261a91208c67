"""One transaction that knows who is asking: the only way to a module's rows.

    async with work.begin(database, caller) as job:
        ...                     everything in here commits together, or not at all: rows, events, audit entries

The transaction is opened with the caller's tenant and customers set, so that PostgreSQL itself shows and accepts no
other rows. Inside, `session` is SQLAlchemy's; there is no hidden query (relationships raise) and nothing is loaded
again after the commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, bindparam, event, func, select, true
from sqlalchemy import column as column_of
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.orm.exc import StaleDataError

from contracts.events.envelope import Event
from subgraphs.kit import audit, database, outbox, tenancy
from subgraphs.kit.caller import Caller
from subgraphs.kit.clock import Clock, now
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Forbidden, Invalid, NotFound, Stale
from subgraphs.kit.filters import among
from subgraphs.kit.ids import uuid7
from subgraphs.kit.tables import Entity, Row

E = TypeVar("E", bound=Entity)

_NOT_SAID = Settings()

_NOT_TEXT = frozenset({"22021", "22P05"})
"""What PostgreSQL says of U+0000, which GraphQL and JSON allow: in text, and in JSON."""

_WORK = "work"


class _Session(Session):
    """A session that is told before it writes rows: `_stamp` listens to all of them at once, for each alone it takes its time to begin."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a service function gets: the open transaction, who asks, and what time it is."""

    session: AsyncSession
    caller: Caller
    module: str
    at: datetime
    command: str = "read"
    causation: UUID | None = field(default=None)
    """The event that this work reacts to, if any."""
    settings: Settings = field(default=_NOT_SAID, repr=False)
    """What differs between two processes of this module."""

    async def find(self, model: type[E], identity: UUID) -> E | None:
        """The row with this id, or None when it is not there or not the caller's."""
        row: E | None = await self.session.get(model, self._key(identity))
        return row

    async def take(self, model: type[E], identity: UUID | None, *, field: str, version: int | None = None) -> E:
        """The row with this id, locked until the end of the transaction, to be changed.

        Raises `NotFound` naming `field`, and `Stale` when `version` is given and no longer current.
        """
        row: E | None = None
        if identity is not None:
            row = await self.session.get(model, self._key(identity), with_for_update=True, populate_existing=True)
        if row is None:
            raise NotFound(f"There is no {model.__name__.lower()} with this id.", field=field)
        if version is not None and row.version != version:
            raise Stale(
                f"It is at version {row.version} now, you changed version {version}: read it again.", field="version"
            )
        return row

    async def lock(self, model: type[E], identities: Iterable[UUID]) -> None:
        """Lock these rows until the end of the transaction, in one order, so that nobody who locks the same waits for us in a ring.

        What is not there is left for `take` to say, in the order in which the caller asks for it.
        """
        rows = select(model.id).where(among(model.id, identities)).order_by(model.id)
        await self.session.execute(rows.with_for_update())

    async def those(self, model: type[E], identities: Sequence[UUID]) -> dict[UUID, E]:
        """The rows with these ids, by id, in one statement; what is not visible is missing."""
        rows = await self.session.scalars(select(model).where(among(model.id, identities)))
        return {row.id: row for row in rows}

    async def per_parent(
        self,
        model: type[E],
        column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
        parents: Sequence[UUID],
        *,
        where: Iterable[ColumnElement[bool]] = (),
        order: Iterable[Any] = (),
        limit: int,
        offset: int = 0,
    ) -> dict[UUID, list[E]]:
        """For each of `parents` the rows whose `column` points at it, each list ordered and bounded, in one statement."""
        listed = bindparam("parents", list(parents), type_=ARRAY(Uuid))
        parent = func.unnest(listed).table_valued(column_of("id", Uuid), name="parent").render_derived()
        rows = (
            select(model)
            .where(column == parent.c.id, *where)
            .order_by(*order)
            .limit(limit)
            .offset(offset)
            .lateral("row")
        )
        entity = aliased(model, rows)
        found = await self.session.execute(select(parent.c.id, entity).select_from(parent).join(rows, true()))
        lists: dict[UUID, list[E]] = {identity: [] for identity in parents}
        for identity, row in found:
            lists[identity].append(row)
        return lists

    def _key(self, identity: UUID) -> Any:
        return {"tenant_id": self.caller.tenant, "id": identity}

    def add(self, row: E) -> E:
        """Write a new row with the transaction; it has its id from now on."""
        row.id = row.id or uuid7()
        self.session.add(row)
        return row

    async def emit(self, happened: Event, *, subject: UUID, customer: UUID | None = None) -> None:
        """Say what happened: into the outbox with the transaction, and from there to everybody who listens."""
        await outbox.append(self, happened, subject=subject, customer=customer)


@asynccontextmanager
async def begin(
    engine: AsyncEngine,
    caller: Caller,
    *,
    module: str,
    command: str = "read",
    clock: Clock = now,
    causation: UUID | None = None,
    settings: Settings = _NOT_SAID,
) -> AsyncIterator[Work]:
    """Open a transaction for `caller`; commit at the end of the block, roll back if it raises."""
    async with await _introduced(engine, caller) as session:
        work = Work(session, caller, module, clock(), command, causation, settings)
        session.info[_WORK] = work
        try:
            yield work
            await session.flush()
        except StaleDataError as error:
            raise Stale("Somebody changed it at the same moment: read it again.") from error
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _NOT_TEXT:
                raise Invalid("Text cannot have the character U+0000 in it.") from error
            if "row-level security policy" in str(error.orig):
                # The last to say so: what a service forgot to refuse, a wall refuses.
                raise Forbidden("This is not yours to write.") from error
            raise
        await session.commit()


async def _introduced(engine: AsyncEngine, caller: Caller) -> AsyncSession:
    """Open a transaction that knows who asks; it is rolled back when it is left without a commit.

    A connection may have been closed a moment ago, and nobody heard of it yet. Nothing has begun then: the pool takes all its
    connections for lost, and another one is tried.
    """
    said = tenancy.settings(caller)
    try:
        return await _opened(engine, said)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return await _opened(engine, said)


async def _opened(engine: AsyncEngine, said: Mapping[str, str]) -> AsyncSession:
    session = AsyncSession(engine, sync_session_class=_Session, expire_on_commit=False, autoflush=False)
    try:
        await session.run_sync(_begin, said)
    except BaseException:
        await session.close()
        raise
    return session


def _begin(session: Session, said: Mapping[str, str]) -> None:
    database.begin(session.connection(), said)


@event.listens_for(_Session, "before_flush")
def _stamp(session: Session, _flush: object, _instances: object) -> None:
    """Fill in what every row says about its writer, and record the change; called before rows are written."""
    work: Work = session.info[_WORK]
    for row in session.new:
        if isinstance(row, Row):
            row.tenant_id = work.caller.tenant
        if isinstance(row, Entity):
            row.created_at, row.created_by = work.at, work.caller.subject
            row.updated_at, row.updated_by = work.at, work.caller.subject
    for row in session.dirty:
        if isinstance(row, Entity) and session.is_modified(row):
            row.updated_at, row.updated_by = work.at, work.caller.subject
    audit.record(session, work.caller, command=work.command, at=work.at)
