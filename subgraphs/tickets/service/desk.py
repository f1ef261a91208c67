"""What orders the work of a desk: queues, categories, sub-statuses and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Category, DeskSettings, Queue, SubStatus
from subgraphs.tickets.rules import calendars, mail, priorities
from subgraphs.tickets.rules.tickets import QueueVisibility, TicketPriority, TicketStatus
from subgraphs.tickets.service import defaults

_DEEPEST: Final = 6
_MOST_DAYS: Final = 365


def queues() -> Select[Queue]:
    """The queues that are in use, by name."""
    return select(Queue).where(Queue.archived_at.is_(None)).order_by(Queue.name, Queue.id)


def categories() -> Select[Category]:
    """The categories that are in use, by path."""
    return select(Category).where(Category.archived_at.is_(None)).order_by(Category.path, Category.id)


def sub_statuses() -> Select[SubStatus]:
    """The sub-statuses that are in use, by status and label."""
    return select(SubStatus).where(SubStatus.archived_at.is_(None)).order_by(SubStatus.status, SubStatus.label)


async def create_queue(
    work: Work,
    *,
    name: str,
    email: str | None = None,
    default_priority: TicketPriority = TicketPriority.P3,
    visibility: QueueVisibility = QueueVisibility.SHARED,
) -> Queue:
    """Make a queue; its mail address is nobody else's."""
    await defaults.settings(work)
    queue = work.add(
        Queue(
            name=line(name, field="name", longest=100),
            email=mail.address(email, field="email"),
            default_priority=default_priority,
            visibility=visibility,
        )
    )
    await _flush(work, "There is a queue with this name or this mail address.", field="name")
    return queue


async def change_queue(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Queue:
    """Change a queue."""
    queue = await work.take(Queue, id, field="id", version=version)
    if "name" in changes:
        queue.name = line(changes["name"], field="name", longest=100)
    if "email" in changes:
        queue.email = mail.address(changes["email"], field="email")
    queue.default_priority = changes.get("default_priority") or queue.default_priority
    queue.visibility = changes.get("visibility") or queue.visibility
    await _flush(work, "There is a queue with this name or this mail address.", field="name")
    return queue


async def archive_queue(work: Work, id: UUID, version: int | None = None) -> Queue:
    """Take a queue out of use; its tickets keep it."""
    queue = await work.take(Queue, id, field="id", version=version)
    queue.archived_at = queue.archived_at or work.at
    return queue


async def create_category(work: Work, *, name: str, parent_id: UUID | None = None) -> Category:
    """Make a category, at the root or below another."""
    parent = await work.find(Category, parent_id) if parent_id else None
    if parent_id and parent is None:
        raise NotFound("There is no category with this id.", field="parentId")
    path = " / ".join(filter(None, [parent.path if parent else None, line(name, field="name", longest=80)]))
    if path.count(" / ") >= _DEEPEST:
        raise Invalid(f"Categories are at most {_DEEPEST} levels deep.", field="parentId")
    category = work.add(Category(name=line(name, field="name", longest=80), parent_id=parent_id, path=path))
    await _flush(work, "There is a category with this name here.", field="name")
    return category


async def create_sub_status(work: Work, *, label: str, status: TicketStatus, pauses_sla: bool = False) -> SubStatus:
    """Make a sub-status."""
    row = work.add(SubStatus(label=line(label, field="label", longest=60), status=status, pauses_sla=pauses_sla))
    await _flush(work, "This status has a sub-status with this label.", field="label")
    return row


async def change_settings(
    work: Work,
    *,
    time_zone: str | None = None,
    priority_matrix: Sequence[Mapping[str, Any]] | None = None,
    reopen_within_business_days: int | None = None,
    close_after_business_days: int | None = None,
    changes_need_approval: bool | None = None,
    version: int | None = None,
) -> DeskSettings:
    """Decide how the desk works; what is absent stays."""
    found = await defaults.settings(work)
    settings = await work.take(DeskSettings, found.id, field="id", version=version)
    if time_zone is not None:
        calendars.zone(time_zone)
        settings.time_zone = time_zone
    if priority_matrix is not None:
        told = {f"{one['impact']}/{one['urgency']}": one["priority"] for one in priority_matrix}
        settings.priority_matrix = priorities.checked({**settings.priority_matrix, **told})
    if reopen_within_business_days is not None:
        settings.reopen_within_business_days = _days(reopen_within_business_days, "reopenWithinBusinessDays")
    if close_after_business_days is not None:
        settings.close_after_business_days = _days(close_after_business_days, "closeAfterBusinessDays")
    if changes_need_approval is not None:
        settings.changes_need_approval = changes_need_approval
    return settings


def _days(days: int, field: str) -> int:
    if not 0 <= days <= _MOST_DAYS:
        raise Invalid(f"{field} must be between 0 and {_MOST_DAYS}, not {days}.", field=field)
    return days


async def _flush(work: Work, taken: str, *, field: str) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict(taken, field=field) from error
