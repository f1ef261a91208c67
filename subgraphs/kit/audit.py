"""Who did what to whom: one entry for every row that a command creates, changes or removes, and for what matters besides.

Nobody has to remember the first: the entries are made from what the session is about to write, in the same transaction,
so there is no change without its entry and no entry without its change. Sign-ins, refusals, grants and exports are
written down with `note`.

Entries can be appended and nothing else, and each is chained to the one before it, so that what was altered, removed or
moved behind our back is noticed by `python -m subgraphs <module> audit verify`:

    strand 0   ┌ 1 ┐◄──┌ 2 ┐◄──┌ 3 ┐◄── head (position 3, hash of 3)         hash = SHA-256 of all columns of the entry,
    strand 1   ┌ 1 ┐◄──┌ 2 ┐◄── head (position 2, hash of 2)                        its position and the hash before it

One chain would make the writers of a tenant wait for each other: who holds its head holds it until the commit. So there
are as many strands as there are transactions at a time. Each takes the first strand that is free (an advisory lock, tried
and never waited for), and gives it back with its commit; on an idle system there is one. An entry that is altered does not
match its own hash; one that is gone or moved leaves a gap in the positions; the last one is held by the head, to which
the runtime role has no way at all. A trigger with the rights of the schema's owner does all this: no program can forget
it, and none can choose its own hash.

Whoever holds the owner's password can write a whole new history. Against that helps what is outside: events of security
have left the module (`audit.recorded`), and `verify` prints a seal of all heads, to be kept somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from time import monotonic
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Column, FetchedValue, LargeBinary, MetaData, Table, Text, Uuid, insert, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from contracts.events.audit import AuditRecorded
from subgraphs.kit import outbox
from subgraphs.kit.caller import Caller
from subgraphs.kit.ids import uuid7
from subgraphs.kit.tables import Entity, Moment

AUDIT = Table(
    "audit",
    MetaData(),
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("at", Moment),
    Column("actor_kind", Text),
    Column("actor_id", Uuid),
    Column("impersonator_id", Uuid),
    Column("api_key_id", Uuid),
    Column("command", Text),
    Column("change", Text),
    Column("resource", Text),
    Column("resource_id", Uuid),
    Column("customer_id", Uuid),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("correlation", Text),
    Column("address", Text),
    Column("position", BigInteger),
    Column("previous", LargeBinary),
    Column("hash", LargeBinary),
)
"""Its columns, but for the strand; the links are made by PostgreSQL."""

_BOOKKEEPING = frozenset({"tenant_id", "version", "updated_at", "updated_by", "created_at", "created_by"})
_REFUSALS_PAUSE_SECONDS = 60.0
_MOST_REMEMBERED = 10_000

_SECRET = re.compile("secret|password|hash|token|sealed|private|recovery")
_HIDDEN = "***"

Details = Mapping[str, str | int | bool | None]


class Transaction(outbox.Transaction, Protocol):
    """The part of a `Work` that an entry is written with."""

    @property
    def command(self) -> str:
        """What is being done."""


async def note(
    work: Transaction,
    action: str,
    *,
    outcome: Literal["DONE", "REFUSED"] = "DONE",
    resource: str | None = None,
    resource_id: UUID | None = None,
    customer: UUID | None = None,
    details: Details | None = None,
) -> None:
    """Write down something that matters for security and is no change of a row, and tell it; never put a secret in."""
    entry = _entry(work.caller, work.at, action) | {
        "change": outcome,
        "resource": resource,
        "resource_id": resource_id,
        "customer_id": customer,
        "before": None,
        "after": dict(details) if details else None,
    }
    await work.session.execute(insert(AUDIT), entry)
    happened = AuditRecorded(
        id=entry["id"],
        module=work.module,
        action=action,
        outcome=outcome,
        resource=resource,
        resource_id=resource_id,
        impersonator_id=work.caller.impersonator,
        address=work.caller.address,
        details=dict(details or {}),
    )
    await outbox.append(work, happened, subject=entry["id"], customer=customer)


class Refusals:
    """Which refusals were written down a moment ago: one who is refused again and again shall not fill our disks."""

    def __init__(self) -> None:
        self._told: dict[object, float] = {}

    def is_new(self, caller: Caller, action: str) -> bool:
        """Whether this refusal should be written down; the same one again only after a minute."""
        key, now = (caller.tenant, caller.subject, caller.key, action), monotonic()
        if now - self._told.get(key, float("-inf")) < _REFUSALS_PAUSE_SECONDS:
            return False
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[key] = now
        return True


def record(session: Session, caller: Caller, *, command: str, at: datetime) -> None:
    """Write the entries for everything that the session is about to flush."""
    entries = [_entry(caller, at, command) | change for change in _changes(session)]
    if entries:
        session.execute(insert(AUDIT), entries)


@dataclass(frozen=True, slots=True)
class Touched:
    """A row that one statement changed or removed together with many others, so that the session knows nothing of it."""

    resource: str
    id: UUID
    customer: UUID | None = None
    before: Mapping[str, Any] | None = None
    """What was in the columns that changed; nothing when the row was removed."""
    after: Mapping[str, Any] | None = None


async def record_many(work: Transaction, rows: Iterable[Touched]) -> None:
    """Write the entries that `record` would have written, had the session changed or removed these rows one by one."""
    entries = [
        _entry(work.caller, work.at, work.command)
        | {
            "change": "REMOVED" if row.after is None else "CHANGED",
            "resource": row.resource,
            "resource_id": row.id,
            "customer_id": row.customer,
            "before": _plain(row.before or {}),
            "after": None if row.after is None else _plain(row.after),
        }
        for row in rows
    ]
    if entries:
        await work.session.execute(insert(AUDIT), entries)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {column: _shown(column, value) for column, value in values.items()}


def _entry(caller: Caller, at: datetime, action: str) -> dict[str, Any]:
    return {
        "tenant_id": caller.tenant,
        "id": uuid7(),
        "at": at,
        "actor_kind": caller.kind,
        "actor_id": caller.subject,
        "impersonator_id": caller.impersonator,
        "api_key_id": caller.key,
        "command": action,
        "correlation": caller.correlation,
        "address": caller.address,
    }


def _changes(session: Session) -> Iterator[dict[str, Any]]:
    kinds = (("CREATED", session.new), ("CHANGED", session.dirty), ("REMOVED", session.deleted))
    for change, rows in kinds:
        for row in rows:
            if isinstance(row, Entity):
                before, after = _difference(row)
                if change == "REMOVED" or before or after:
                    yield {
                        "change": change,
                        "resource": type(row).__name__,
                        "resource_id": row.id,
                        "customer_id": _customer(row),
                        "before": None if change == "CREATED" else before,
                        "after": None if change == "REMOVED" else after,
                    }


def _customer(row: Entity) -> UUID | None:
    """Whose row it is, for those who see only some customers; nobody's when it moves from one to another."""
    columns = inspect(type(row)).column_attrs
    if "customer_id" not in columns:
        return None
    if isinstance(columns["customer_id"].columns[0].server_default, FetchedValue):
        return row.id  # a table whose rows are customers
    history = inspect(row).attrs["customer_id"].history
    return None if history.added and history.deleted else getattr(row, "customer_id", None)


def _difference(row: Entity) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if attribute.key in _BOOKKEEPING or not history.has_changes():
            continue
        if history.deleted:
            before[attribute.key] = _shown(attribute.key, history.deleted[0])
        if history.added:
            after[attribute.key] = _shown(attribute.key, history.added[0])
    return before, after


def _shown(column: str, value: Any) -> Any:
    """A value as the record may have it: of what looks like a secret only that it is there."""
    return _HIDDEN if value is not None and _SECRET.search(column) else plain(value)


def plain(value: Any) -> Any:
    """A column's value as JSON can hold it, and as a person can read it."""
    match value:
        case Enum():
            return value.value
        case UUID() | Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return value
