"""Notifications in the app: written when something happened, counted, read; everybody sees their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.events import notify as events
from subgraphs.kit.errors import NotFound
from subgraphs.kit.ids import uuid7
from subgraphs.kit.paging import Order
from subgraphs.kit.work import Work
from subgraphs.notify.models.notifications import Notification

NEWEST_FIRST = Order((Notification.created_at,), descending=True)


def selected(work_subject: UUID, *, unread: bool | None = None) -> Select[Notification]:
    """The notifications of a person."""
    query = select(Notification).where(Notification.recipient_id == work_subject)
    if unread is not None:
        query = query.where(Notification.read_at.is_(None) if unread else Notification.read_at.is_not(None))
    return query


async def write(work: Work, values: Mapping[str, Any]) -> None:
    """Write a notification down, once for each person and event, and tell those who watch."""
    plain = {
        "tenant_id": work.caller.tenant,
        "id": uuid7(),
        "version": 1,
        "created_at": work.at,
        "created_by": work.caller.subject,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
        **values,
    }
    made = insert(Notification).values(plain).on_conflict_do_nothing().returning(Notification.id)
    identity = await work.session.scalar(made)
    if identity is not None:
        happened = events.NotificationCreated(
            id=identity, recipient_id=values["recipient_id"], event_type=values["event_type"]
        )
        await work.emit(happened, subject=identity, customer=values["about_customer"])


async def unread_count(work: Work) -> int:
    """How many notifications the caller has not read."""
    query = selected(work.caller.subject, unread=True).with_only_columns(func.count())
    return int(await work.session.scalar(query) or 0)


async def unread_of(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[int]]:
    """How many each of these users has not read, as lists of one; of others than the caller nobody learns that."""
    mine = [one for one in users if one == work.caller.subject]
    return {one: [await unread_count(work)] for one in mine}


async def newest_of(
    work: Work, users: Sequence[UUID], *, unread: bool | None, limit: int
) -> Mapping[UUID, Sequence[Notification]]:
    """What the caller was told, if they are among these users; of others nobody learns that."""
    if work.caller.subject not in users:
        return {}
    newest = selected(work.caller.subject, unread=unread).order_by(
        Notification.created_at.desc(), Notification.id.desc()
    )
    return {work.caller.subject: (await work.session.scalars(newest.limit(limit))).all()}


async def mark(work: Work, id: UUID, *, read: bool) -> Notification:
    """Mark a notification as read, or as not read."""
    row = await work.take(Notification, id, field="id")
    if (row.read_at is not None) == read:
        return row
    return await _set(work, row.id, work.at if read else None)


async def mark_all(work: Work, until: datetime | None) -> Notification:
    """Mark everything that came until then as read; the newest of it."""
    query = selected(work.caller.subject).where(Notification.created_at <= (until or work.at))
    newest = (await work.session.scalars(query.order_by(Notification.created_at.desc()).limit(1))).one_or_none()
    if newest is None:
        raise NotFound("You have no notifications.")
    unread = update(Notification).where(
        Notification.recipient_id == work.caller.subject,
        Notification.read_at.is_(None),
        Notification.created_at <= newest.created_at,
    )
    await work.session.execute(unread.values(read_at=work.at, version=Notification.version + 1))
    await work.session.refresh(newest)
    return newest


async def _set(work: Work, id: UUID, at: datetime | None) -> Notification:
    # Straight to the table: that somebody read something is nothing for the audit.
    changed = update(Notification).where(Notification.id == id)
    values = {"read_at": at, "version": Notification.version + 1, "updated_at": work.at}
    made = await work.session.execute(
        changed.values(values).returning(Notification), execution_options={"populate_existing": True}
    )
    return made.scalar_one()
