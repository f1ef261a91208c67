"""Deliveries: written down when something happened that somebody wants to hear, and written down again on request.

A delivery is a row before it is a request, in one transaction with the entry in the inbox: so an event becomes exactly one
delivery for each subscription, however often it arrives. The job that is enqueued with it wakes `service.dispatch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, insert, select, update

from contracts.events.envelope import Envelope
from subgraphs.integrations.errors import StillOnItsWay, WebhookDisabled
from subgraphs.integrations.models.webhooks import WebhookDelivery, WebhookSubscription
from subgraphs.integrations.rules import messages
from subgraphs.integrations.rules.outcomes import DeliveryKind, DeliveryStatus
from subgraphs.integrations.service import webhooks
from subgraphs.kit import audit, jobs
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import uuid7
from subgraphs.kit.paging import Order
from subgraphs.kit.progress import Progress
from subgraphs.kit.work import Work

DELIVER: Final = "integrations.deliver"
NEWEST_FIRST = Order((WebhookDelivery.created_at,), descending=True)
_BEHIND: Final = -1
_MOST_REPLAYS: Final = 1_000
MOST_REPLAYS_OF_A_JOB: Final = 50_000


def selected(
    *,
    subscription: UUID | None = None,
    status: DeliveryStatus | None = None,
    event_type: str | None = None,
    event_id: UUID | None = None,
) -> Select[WebhookDelivery]:
    """The deliveries that fit."""
    query = select(WebhookDelivery)
    if subscription is not None:
        query = query.where(WebhookDelivery.subscription_id == subscription)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if event_type is not None:
        query = query.where(WebhookDelivery.event_type == event_type)
    if event_id is not None:
        query = query.where(WebhookDelivery.event_id == event_id)
    return query


async def of_subscriptions(
    work: Work, parents: Sequence[UUID], *, status: DeliveryStatus | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[WebhookDelivery]]:
    """The deliveries of each subscription, the newest first."""
    return await work.per_parent(
        WebhookDelivery,
        WebhookDelivery.subscription_id,
        parents,
        where=() if status is None else (WebhookDelivery.status == status,),
        order=(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc()),
        limit=limit,
        offset=offset,
    )


async def tell(work: Work, envelope: Envelope) -> None:
    """Write down a delivery for everybody who wants to hear of an event and may."""
    listeners = [one for one in await work.session.scalars(webhooks.selected()) if _wants(one, envelope)]
    states = await webhooks.states(work, [one.id for one in listeners]) if listeners else {}
    for one in listeners:
        failing = one.id in states and states[one.id].failing_since is not None
        await _write(work, one, DeliveryKind.EVENT, messages.told(envelope), at=envelope.time, failing=failing)


def _wants(one: WebhookSubscription, envelope: Envelope) -> bool:
    return messages.matches(one.event_patterns, envelope.type) and messages.hears(
        envelope, scopes=one.scopes, customer=one.customer_id, denied=one.denied_customers
    )


async def test(work: Work, subscription_id: UUID) -> WebhookDelivery:
    """Send something that happened to nothing, once, also to a webhook that is switched off."""
    row = await work.take(WebhookSubscription, subscription_id, field="id")
    if row.archived_at is not None:
        raise Invalid("This webhook was deleted.", field="id")
    told = messages.example(uuid7(), row.id, work.at.isoformat().replace("+00:00", "Z"))
    return await _write(work, row, DeliveryKind.TEST, told, at=work.at)


async def replay(work: Work, id: UUID) -> WebhookDelivery:
    """Send again what was delivered, or given up: a new delivery of the same event, which keeps its id."""
    old = await work.take(WebhookDelivery, id, field="id")
    row = await work.find(WebhookSubscription, old.subscription_id)
    if row is None or row.archived_at is not None:
        raise NotFound("The webhook of this delivery was deleted.", field="id")
    if old.status is DeliveryStatus.PENDING:
        raise StillOnItsWay("It is still on its way.", field="id")
    if old.kind is DeliveryKind.TEST:
        raise Invalid("A test is not sent again; send another one.", field="id")
    if not row.active:
        raise WebhookDisabled("The webhook is switched off; enable it first.", field="id")
    await audit.note(work, work.command, details={"delivery": str(old.id), "event": old.event_type})
    return await _again(work, row, old)


async def replay_all(
    work: Work,
    subscription_id: UUID,
    *,
    since: datetime,
    until: datetime | None,
    dead_only: bool,
    progress: Progress | None = None,
) -> WebhookSubscription:
    """Send again, in their order, what was given up (or everything) of the events of a span of time.

    With a `progress` to tell, as many as a worker may.
    """
    most = _MOST_REPLAYS if progress is None else MOST_REPLAYS_OF_A_JOB
    row = await work.take(WebhookSubscription, subscription_id, field="id")
    if not row.active:
        raise WebhookDisabled("The webhook is switched off; enable it first.", field="id")
    query = selected(subscription=row.id).where(
        WebhookDelivery.kind == DeliveryKind.EVENT, WebhookDelivery.event_at >= since
    )
    if until is not None:
        query = query.where(WebhookDelivery.event_at < until)
    wanted = (DeliveryStatus.DEAD,) if dead_only else (DeliveryStatus.DEAD, DeliveryStatus.DELIVERED)
    query = query.where(WebhookDelivery.status.in_(wanted), WebhookDelivery.replayed_at.is_(None))
    found = (
        await work.session.scalars(query.order_by(WebhookDelivery.event_at, WebhookDelivery.id).limit(most + 1))
    ).all()
    if len(found) > most:
        raise Invalid(f"These are more than {most} deliveries; choose a shorter span.", field="until")
    await audit.note(work, work.command, details={"webhook": str(row.id), "deliveries": len(found)})
    for number, old in enumerate(found):
        if progress is not None:
            await progress.tell(number, len(found))
        await _again(work, row, old)
    return row


async def wake(work: Work, subscription: UUID, at: datetime | None = None, *, failing: bool = False) -> None:
    """Have somebody look what is to be sent to a subscription, now or then; to one that fails, after all others."""
    payload = {"subscription": str(subscription)}
    await jobs.enqueue(work, DELIVER, payload, at=at, priority=_BEHIND if failing else 0)


async def _again(work: Work, row: WebhookSubscription, old: WebhookDelivery) -> WebhookDelivery:
    changed = update(WebhookDelivery).where(WebhookDelivery.id == old.id)
    await work.session.execute(changed.values(replayed_at=work.at, version=old.version + 1))
    return await _write(work, row, DeliveryKind.REPLAY, old.event, at=old.event_at, replay_of=old.id)


async def _write(
    work: Work,
    row: WebhookSubscription,
    kind: DeliveryKind,
    told: Mapping[str, Any],
    *,
    at: datetime,
    replay_of: UUID | None = None,
    failing: bool = False,
) -> WebhookDelivery:
    """Write a delivery: one that is sent now, or a dead one when the webhook is switched off."""
    lives = row.active or kind is DeliveryKind.TEST
    values = {
        "tenant_id": row.tenant_id,
        "id": uuid7(),
        "version": 1,
        "created_at": work.at,
        "created_by": work.caller.subject,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
        "subscription_id": row.id,
        "customer_id": row.customer_id,
        "kind": kind,
        "replay_of": replay_of,
        "event_id": UUID(told["id"]),
        "event_type": told["type"],
        "event_at": at,
        "event": dict(told),
        "status": DeliveryStatus.PENDING if lives else DeliveryStatus.DEAD,
        "attempt": 0,
        "log": [],
        "next_retry_at": work.at if lives else None,
        "finished_at": None if lives else work.at,
        "error": None if lives else "The webhook was switched off.",
    }
    # Straight to the table: the rows are the record of what a machine does, and need no other.
    made = await work.session.execute(insert(WebhookDelivery).values(values).returning(WebhookDelivery))
    if lives:
        await wake(work, row.id, failing=failing)
    return made.scalar_one()
