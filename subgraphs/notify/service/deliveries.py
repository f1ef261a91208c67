"""Deliveries: written down with what happened, gathered, asked for, sent again.

A delivery is a row before it is a message, in one transaction with the entry in the inbox: so an event is told to one
person by one channel once, however often it arrives. What happens to the same thing while a delivery still waits is
added to it. The job that is enqueued with it wakes `service.dispatch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, Select, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from subgraphs.kit import audit, jobs
from subgraphs.kit.ids import uuid7
from subgraphs.kit.paging import Order
from subgraphs.kit.work import Work
from subgraphs.notify.errors import StillOnItsWay
from subgraphs.notify.models.deliveries import Delivery
from subgraphs.notify.rules.channels import ENDED, ChannelKind, DeliveryStatus
from subgraphs.notify.rules.notices import Category

SEND: Final = "notify.send"
NEWEST_FIRST = Order((Delivery.created_at,), descending=True)
_WAITS: Final = text("status = 'QUEUED' AND attempt = 0 AND gather_key IS NOT NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be told to one person or channel."""

    channel: ChannelKind
    address: str
    language: str
    category: Category
    event_type: str
    subject: str
    item: Mapping[str, Any]
    related: tuple[str, str]
    due_at: datetime
    channel_id: UUID | None = None
    recipient_id: UUID | None = None
    customer_id: UUID | None = None
    mandatory: bool = False
    gather_key: str | None = None
    envelope: Mapping[str, Any] | None = None
    message_id: str | None = None


def selected(
    *, status: DeliveryStatus | None = None, channel: ChannelKind | None = None, related_id: str | None = None
) -> Select[Delivery]:
    """The deliveries that fit."""
    query = select(Delivery)
    if status is not None:
        query = query.where(Delivery.status == status)
    if channel is not None:
        query = query.where(Delivery.channel == channel)
    if related_id is not None:
        query = query.where(Delivery.related_id == related_id)
    return query


async def queue(work: Work, draft: Draft) -> Delivery:
    """Write a delivery down, or add what it tells to one that still waits for its time."""
    made = insert(Delivery).values(_values(work, draft))
    gathered = made.on_conflict_do_update(
        index_elements=["tenant_id", "channel", "address", "gather_key"],
        index_where=_WAITS,
        set_={"items": Delivery.items.op("||")(made.excluded["items"]), "version": Delivery.version + 1},
    )
    written = gathered.returning(Delivery, literal_column("xmax = 0", Boolean))
    found = await work.session.execute(written, execution_options={"populate_existing": True})
    made_or_found = found.one()
    row: Delivery = made_or_found[0]
    is_new: bool = made_or_found[1]
    if is_new:
        await wake(work, row.id, draft.due_at)
    return row


async def wake(work: Work, delivery: UUID, at: datetime) -> None:
    """Have a delivery looked at, at its time."""
    await jobs.enqueue(work, SEND, {"delivery": str(delivery)}, at=at)


async def retry(work: Work, id: UUID) -> Delivery:
    """Send once more what has come to an end without arriving; all attempts begin anew, under the same Message-ID."""
    row = await work.take(Delivery, id, field="id")
    if row.status not in ENDED:
        raise StillOnItsWay("It is still on its way.", field="id")
    if row.status in {DeliveryStatus.SENT, DeliveryStatus.DELIVERED}:
        raise StillOnItsWay("It was taken by the other side; it is not sent twice.", field="id")
    await audit.note(work, work.command, details={"delivery": str(row.id), "channel": row.channel.value})
    again = {
        "status": DeliveryStatus.QUEUED,
        "attempt": 0,
        "gather_key": None,
        "due_at": work.at,
        "finished_at": None,
        "error": None,
        "version": row.version + 1,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
    }
    changed = update(Delivery).where(Delivery.id == row.id).values(again).returning(Delivery)
    found = (await work.session.execute(changed, execution_options={"populate_existing": True})).scalar_one()
    await wake(work, row.id, work.at)
    return found


def _values(work: Work, draft: Draft) -> dict[str, Any]:
    return {
        "tenant_id": work.caller.tenant,
        "id": uuid7(),
        "version": 1,
        "created_at": work.at,
        "created_by": work.caller.subject,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
        "channel": draft.channel,
        "channel_id": draft.channel_id,
        "recipient_id": draft.recipient_id,
        "customer_id": draft.customer_id,
        "address": draft.address,
        "language": draft.language,
        "category": draft.category,
        "mandatory": draft.mandatory,
        "gather_key": draft.gather_key,
        "related_type": draft.related[0],
        "related_id": draft.related[1],
        "event_type": draft.event_type,
        "subject": draft.subject,
        "items": [dict(draft.item)],
        "envelope": dict(draft.envelope) if draft.envelope is not None else None,
        "message_id": draft.message_id,
        "status": DeliveryStatus.QUEUED,
        "attempt": 0,
        "due_at": draft.due_at,
        "log": [],
    }
