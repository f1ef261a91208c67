"""What happened, written down with the change that made it happen: one transaction, so neither exists without the other.

The runtime role of a module may only append; it can neither read the outbox nor mark anything as published. The rest
is the relay's: `kit.relay` takes rows from here to the broker. Rows stay for a while after that, so that events can be
sent once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

import asyncpg
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.events.envelope import ActorKind, Envelope, Event
from contracts.identity import CallerKind
from subgraphs.kit.caller import Caller
from subgraphs.kit.ids import uuid7

_APPEND = text(
    "INSERT INTO outbox (tenant_id, id, type, envelope) VALUES (:tenant, :id, :type, CAST(:envelope AS json))"
)
_SEND_BACK = text(
    "INSERT INTO outbox (tenant_id, id, type, envelope, queue)"
    " VALUES (:tenant, :id, :type, CAST(:envelope AS json), :queue)"
)

_ACTORS: Mapping[CallerKind, ActorKind] = MappingProxyType(
    {"STAFF": "USER", "CUSTOMER": "USER", "COMANAGED": "USER", "SERVICE": "SERVICE", "SYSTEM": "SYSTEM"}
)


class Transaction(Protocol):
    """The part of a `Work` that an event is written with; said here because `kit.work` itself stands above."""

    @property
    def session(self) -> AsyncSession:
        """The open transaction."""

    @property
    def caller(self) -> Caller:
        """Who asks."""

    @property
    def module(self) -> str:
        """Which module says so."""

    @property
    def at(self) -> datetime:
        """When it happens."""

    @property
    def causation(self) -> UUID | None:
        """The event that this is a reaction to, if any."""


async def append(work: Transaction, happened: Event, *, subject: UUID, customer: UUID | None = None) -> Envelope:
    """Write down that `happened` to `subject`, a thing of `customer`; it is told if and only if the work commits."""
    envelope = _envelope(work, happened, subject=subject, customer=customer)
    await work.session.execute(
        _APPEND,
        {
            "tenant": envelope.tenantid,
            "id": envelope.id,
            "type": envelope.type,
            "envelope": envelope.to_json().decode(),
        },
    )
    return envelope


async def send_back(work: Transaction, *, type: str, envelope: str, queue: str) -> None:  # noqa: A002 - as CloudEvents says
    """Bring an event that one queue has given up to that queue again, and to no other; if the work commits."""
    # Several queues may have given up the same event: in the outbox each is a message of its own.
    values = {"tenant": work.caller.tenant, "id": uuid7(), "type": type, "envelope": envelope, "queue": queue}
    await work.session.execute(_SEND_BACK, values)


def _envelope(work: Transaction, happened: Event, *, subject: UUID, customer: UUID | None) -> Envelope:
    trace: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(trace)
    return Envelope(
        id=uuid7(),
        source=f"/psa/{work.module}",
        type=happened.type,
        subject=f"{happened.subject_type}/{subject}",
        time=work.at,
        dataschema=happened.dataschema(),
        tenantid=work.caller.tenant,
        customerid=customer,
        actorkind=_ACTORS[work.caller.kind],
        actorid=work.caller.subject,
        correlationid=work.caller.correlation,
        causationid=work.causation,
        schemaversion=happened.schema_version,
        traceparent=trace.get("traceparent"),
        data=happened.model_dump(mode="json"),
    )


def channel(module: str) -> str:
    """Where PostgreSQL notifies the relay that something was appended."""
    return f"psa_outbox_{module}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not been published yet: how many events, and how long the oldest has been waiting."""

    events: int
    oldest_seconds: float


async def waiting(connection: asyncpg.Connection) -> Waiting:
    """Measure the outbox, as the relay's role."""
    row = await connection.fetchrow(
        "SELECT count(*) AS events, COALESCE(EXTRACT(EPOCH FROM now() - min(written_at)), 0)::float8 AS oldest"
        " FROM outbox WHERE published_at IS NULL"
    )
    return Waiting(events=row["events"], oldest_seconds=row["oldest"])


async def sweep(connection: asyncpg.Connection, *, keep: timedelta, batch: int = 5_000) -> int:
    """Delete what was published longer than `keep` ago, as the relay's role; returns how many rows that were."""
    deleted = 0
    while True:
        tag = await connection.execute(
            "DELETE FROM outbox WHERE position IN ("
            " SELECT position FROM outbox WHERE published_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED)",
            keep,
            batch,
        )
        rows = int(tag.rpartition(" ")[2])
        deleted += rows
        if rows < batch:
            return deleted
