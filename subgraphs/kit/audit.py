"""Who did what to whom: one entry for every row that a command creates, changes or removes.

Nobody has to remember it: the entries are made from what the session is about to write, in the same transaction,
so there is no change without its entry and no entry without its change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

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
    Column("command", Text),
    Column("change", Text),
    Column("resource", Text),
    Column("resource_id", Uuid),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    Column("correlation", Text),
    Column("address", Text),
)

_BOOKKEEPING = frozenset({"tenant_id", "version", "updated_at", "updated_by", "created_at", "created_by"})


def record(session: Session, caller: Caller, *, command: str, at: datetime) -> None:
    """Write the entries for everything that the session is about to flush."""
    entries = [
        {
            "tenant_id": caller.tenant,
            "id": uuid7(),
            "at": at,
            "actor_kind": caller.kind,
            "actor_id": caller.subject,
            "command": command,
            "correlation": caller.correlation,
            "address": caller.address,
            **change,
        }
        for change in _changes(session)
    ]
    if entries:
        session.execute(insert(AUDIT), entries)


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
                        "before": None if change == "CREATED" else before,
                        "after": None if change == "REMOVED" else after,
                    }


def _difference(row: Entity) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if attribute.key in _BOOKKEEPING or not history.has_changes():
            continue
        if history.deleted:
            before[attribute.key] = plain(history.deleted[0])
        if history.added:
            after[attribute.key] = plain(history.added[0])
    return before, after


def plain(value: Any) -> Any:
    """A column's value as JSON can hold it, and as a person can read it."""
    match value:
        case Enum():
            return value.value
        case UUID() | Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case _:
            return value
