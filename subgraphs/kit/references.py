"""What a module knows about the things of other modules that it points at: that they exist, and whose they are.

A ticket names a customer, but the customers live in another service. So each module keeps a small copy, filled by
the owner's events (`customer.created`, `asset.created`, …), and a command that names something unknown can refuse. The
copy is a moment behind; a command that comes right after the creation waits a little for the event to arrive.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from subgraphs.kit.errors import NotFound
from subgraphs.kit.work import Work

_PATIENCE_SECONDS = 1.0
_POLL_SECONDS = 0.05

_FIND = text("SELECT customer_id, name FROM reference WHERE type = :type AND id = :id")

_LEARN = text("""
    INSERT INTO reference (tenant_id, type, id, customer_id, name, at)
    VALUES (:tenant, :type, :id, :customer, :name, :at)
    ON CONFLICT (tenant_id, type, id)
    DO UPDATE SET customer_id = EXCLUDED.customer_id, name = EXCLUDED.name, at = EXCLUDED.at
     WHERE reference.at <= EXCLUDED.at
""")


@dataclass(frozen=True, slots=True)
class Known:
    """What we know about something that another module owns."""

    id: UUID
    customer_id: UUID | None
    name: str


async def require(work: Work, kind: str, identity: UUID | None, *, field: str) -> Known:
    """The thing of another module that a command points at; raises `NotFound` naming the input `field`.

    `kind` is its GraphQL type: `Customer`, `Asset`. Not there and not visible for this caller look the same.
    """
    for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
        found = identity and (await work.session.execute(_FIND, {"type": kind, "id": identity})).one_or_none()
        if identity and found:
            return Known(id=identity, customer_id=found.customer_id, name=found.name)
        if identity is None:
            break
        await asyncio.sleep(_POLL_SECONDS)
    raise NotFound(f"There is no {kind.lower()} with this id.", field=field)


async def learn(work: Work, kind: str, identity: UUID, *, name: str, customer: UUID | None) -> None:
    """Remember what an event told; an older event never overwrites a newer one."""
    values = {"tenant": work.caller.tenant, "type": kind, "id": identity, "customer": customer, "name": name}
    await work.session.execute(_LEARN, values | {"at": work.at})
