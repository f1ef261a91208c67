"""What a module knows about the things of other modules that it points at: that they exist, and whose they are.

A ticket names a customer, but the customers live in another service. So each module keeps a small copy, filled by
the owner's events (`customer.created`, `asset.created`, …), and a command that names something unknown can refuse. The
copy is a moment behind; a command that comes right after the creation waits a little for the event to arrive. An identifier
says when it was made, so nobody waits for what would have been told long ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text

from contracts.events import assets, crm
from contracts.events.envelope import Envelope, Event
from subgraphs.kit import ids
from subgraphs.kit.errors import NotFound
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work

T = TypeVar("T")

_PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.05
_WAITING_AT_ONCE = 3
_NEW = timedelta(minutes=10)
"""How long the event of a creation may be on its way, and how far two clocks may be apart."""

_FIND = text("SELECT customer_id, name FROM reference WHERE type = :type AND id = :id")

_LEARN = text("""
    INSERT INTO reference (tenant_id, type, id, customer_id, name, at)
    VALUES (:tenant, :type, :id, :customer, :name, :at)
    ON CONFLICT (tenant_id, type, id)
    DO UPDATE SET customer_id = EXCLUDED.customer_id, name = EXCLUDED.name, at = EXCLUDED.at
     WHERE reference.at <= EXCLUDED.at
""")

_MOVE = text("UPDATE reference SET customer_id = :target WHERE customer_id = :source AND type <> 'Customer'")


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
    known = await patiently(lambda: _found(work, kind, identity), identity) if identity else None
    if known is None:
        raise NotFound(f"There is no {kind.lower()} with this id.", field=field)
    return known


async def patiently(found: Callable[[], Awaitable[T | None]], *named: UUID) -> T | None:
    """What `found` finds of the things that were named, now or within the time that an event needs that is on its way."""
    known = await found()
    if known or (named and all(map(_is_old, named))):
        return known
    return await _PATIENCE.wait_for(found)


def _is_old(identity: UUID) -> bool:
    made = ids.made_at(identity)
    return made is not None and made < datetime.now(UTC) - _NEW


async def _found(work: Work, kind: str, identity: UUID) -> Known | None:
    row = (await work.session.execute(_FIND, {"type": kind, "id": identity})).one_or_none()
    return Known(id=identity, customer_id=row.customer_id, name=row.name) if row else None


class _Patience:
    """Waits for events that are on their way; only for a few at a time, because whoever waits holds a connection."""

    def __init__(self) -> None:
        self._waiting = 0

    async def wait_for(self, found: Callable[[], Awaitable[T | None]]) -> T | None:
        """The thing as soon as it is known, or None when that takes too long or too many wait already."""
        if self._waiting >= _WAITING_AT_ONCE:
            return None
        self._waiting += 1
        try:
            for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
                await asyncio.sleep(_POLL_SECONDS)
                if known := await found():
                    return known
        finally:
            self._waiting -= 1
        return None


_PATIENCE = _Patience()


async def learn(
    work: Work, kind: str, identity: UUID, *, name: str, customer: UUID | None, at: datetime | None = None
) -> None:
    """Remember what an event told; an older event never overwrites a newer one."""
    values = {"tenant": work.caller.tenant, "type": kind, "id": identity, "customer": customer, "name": name}
    await work.session.execute(_LEARN, values | {"at": at or work.at})


async def move(work: Work, source: UUID, target: UUID) -> None:
    """Remember that all that belongs to one customer belongs to another one now; the customer itself stays known."""
    await work.session.execute(_MOVE, {"source": source, "target": target})


def consumers(kinds: tuple[str, ...]) -> tuple[Consumer, ...]:
    """The consumers that keep the copies of these kinds up to date."""
    return tuple(_consumer(kind, _SOURCES[kind]) for kind in kinds)


@dataclass(frozen=True, slots=True)
class _Source:
    """Which events tell about a kind of thing, and how to read one."""

    events: tuple[type[Event], ...]
    read: Callable[[Event], Known]


def _consumer(kind: str, source: _Source) -> Consumer:
    by_type = {event.type: event for event in source.events}

    async def handle(work: Work, envelope: Envelope) -> None:
        known = source.read(envelope.read(by_type[envelope.type]))
        await learn(work, kind, known.id, name=known.name, customer=known.customer_id, at=envelope.time)

    handler: Callable[[Work, Envelope], Awaitable[None]] = handle
    return Consumer(name=f"{kind.lower()}_references", events=tuple(by_type), handle=handler)


def _customer(told: Event) -> Known:
    assert isinstance(told, crm.CustomerCreated | crm.CustomerUpdated)  # noqa: S101 - from the table below
    return Known(id=told.id, customer_id=told.id, name=told.name)


def _site(told: Event) -> Known:
    assert isinstance(told, crm.SiteCreated | crm.SiteUpdated)  # noqa: S101 - from the table below
    return Known(id=told.id, customer_id=told.customer_id, name=told.name)


def _contact(told: Event) -> Known:
    assert isinstance(told, crm.ContactCreated | crm.ContactUpdated)  # noqa: S101 - from the table below
    return Known(id=told.id, customer_id=told.customer_id, name=told.name)


def _asset(told: Event) -> Known:
    assert isinstance(told, assets.AssetCreated | assets.AssetUpdated)  # noqa: S101 - from the table below
    return Known(id=told.asset_id, customer_id=told.customer_id, name=told.name)


def _contract(told: Event) -> Known:
    assert isinstance(told, crm.ContractCreated | crm.ContractUpdated)  # noqa: S101 - from the table below
    return Known(id=told.id, customer_id=told.customer_id, name=told.title)


_SOURCES: Mapping[str, _Source] = MappingProxyType(
    {
        "Customer": _Source((crm.CustomerCreated, crm.CustomerUpdated), _customer),
        "Site": _Source((crm.SiteCreated, crm.SiteUpdated), _site),
        "Contact": _Source((crm.ContactCreated, crm.ContactUpdated), _contact),
        "Contract": _Source((crm.ContractCreated, crm.ContractUpdated), _contract),
        "Asset": _Source((assets.AssetCreated, assets.AssetUpdated), _asset),
    }
)
