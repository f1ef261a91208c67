"""Two tickets that are one, and one ticket that is two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from contracts.events import tickets as events
from subgraphs.kit import jobs
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.work import Work
from subgraphs.tickets.models.content import Attachment, TicketWatcher
from subgraphs.tickets.models.tickets import Ticket, TicketMessage
from subgraphs.tickets.models.time_entries import TimeEntry, Timer
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import Move, TicketLinkKind
from subgraphs.tickets.service import content, sla
from subgraphs.tickets.service import tickets as service
from subgraphs.tickets.service.steps import step

MOVE_TIME_JOB: Final = "ticket.move_time"


async def merge(work: Work, id: UUID, target_id: UUID, version: int | None = None) -> Ticket:
    """Let a ticket go on in another one of the same customer: messages, files, watchers and time move; for good."""
    ticket, target = await _both(work, id, target_id, version)
    if ticket.customer_id != target.customer_id:
        raise Invalid("Only tickets of the same customer can be merged.", field="targetId")
    if target.status in rules.DONE:
        raise Invalid("The other ticket is done; reopen it first.", field="targetId")
    rules.moved(Move.MERGE, ticket.status)
    ticket.merged_into_id = target.id
    await step(work, ticket, Move.MERGE)
    await _carry_over(work, ticket, target)
    if target.first_response_at is None and ticket.response_started_at and target.response_started_at:
        target.response_started_at = min(ticket.response_started_at, target.response_started_at)
        if ticket.first_response_at is not None:  # the customer has heard from us, and reads it in the target now
            target.first_response_at = ticket.first_response_at
            await sla.answered(work, target, ticket.first_response_at)
    happened = events.TicketMerged(id=ticket.id, target_id=target.id)
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    await service.updated(work, target, ("messages",))
    await sla.refresh(work, target)
    await jobs.enqueue(work, MOVE_TIME_JOB, {"from": str(ticket.id), "to": str(target.id)}, key=str(ticket.id))
    return ticket


async def _both(work: Work, id: UUID, target_id: UUID, version: int | None) -> tuple[Ticket, Ticket]:
    """Both tickets, locked in one order, so that two who merge crosswise do not wait for each other."""
    if id == target_id:
        raise Invalid("A ticket cannot be merged into itself.", field="targetId")
    await work.lock(Ticket, (id, target_id))
    ticket = await work.take(Ticket, id, field="id", version=version)
    return ticket, await work.take(Ticket, target_id, field="targetId")


async def _carry_over(work: Work, ticket: Ticket, target: Ticket) -> None:
    rows: list[TicketMessage | Attachment] = [
        *await work.session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket.id)),
        *await work.session.scalars(select(Attachment).where(Attachment.ticket_id == ticket.id)),
    ]
    for row in rows:
        row.ticket_id = target.id
    await _carry_timers(work, ticket, target)
    for watcher in await work.session.scalars(select(TicketWatcher).where(TicketWatcher.ticket_id == ticket.id)):
        await content.add_watcher(work, target, watcher.user_id, watcher.email)
        await work.session.delete(watcher)
    above = await _above(work, target)
    for child in await work.session.scalars(select(Ticket).where(Ticket.parent_id == ticket.id)):
        # What the target is itself a part of stays above it, in the place of what ends; or the two would be parts of each other.
        child.parent_id = ticket.parent_id if child.id in above else target.id


async def _above(work: Work, ticket: Ticket) -> set[UUID]:
    """A ticket and all that it is a part of."""
    found, at = {ticket.id}, ticket.parent_id
    while at is not None and at not in found:
        found.add(at)
        parent = await work.find(Ticket, at)
        at = parent.parent_id if parent else None
    return found


async def _carry_timers(work: Work, ticket: Ticket, target: Ticket) -> None:
    """Timers run on; whoever has one on both tickets keeps the one that began first, for they have worked since then."""
    timers = await work.session.scalars(
        select(Timer).where(Timer.ticket_id.in_((ticket.id, target.id))).order_by(Timer.started_at, Timer.id)
    )
    kept: set[UUID] = set()
    later = []
    for timer in timers.all():
        if timer.user_id in kept:
            later.append(timer)
        kept.add(timer.user_id)
    for timer in later:
        await work.session.delete(timer)
    await work.session.flush()
    for timer in await work.session.scalars(select(Timer).where(Timer.ticket_id == ticket.id)):
        timer.ticket_id = target.id


async def move_time(work: Work, payload: jobs.Payload) -> None:
    """Move the time of a merged ticket; as the platform, because who merges may not see everybody's time."""
    moved = update(TimeEntry).where(TimeEntry.ticket_id == UUID(payload["from"]))
    target = UUID(payload["to"])
    await work.session.execute(moved.values(ticket_id=target, work_item_id=target, version=TimeEntry.version + 1))


async def split(work: Work, id: UUID, title: str, message_ids: Sequence[UUID] = ()) -> Ticket:
    """Make a ticket of a part of another one: what was said about that part moves with it."""
    ticket = await work.take(Ticket, id, field="id")
    part = await service.open_ticket(
        work,
        customer_id=ticket.customer_id,
        title=title,
        type=ticket.type,
        priority=ticket.priority,
        impact=ticket.impact,
        urgency=ticket.urgency,
        source=ticket.source,
        contract_id=ticket.contract_id,
        requester_email=ticket.requester_email,
        contact_id=ticket.contact_id,
        asset_id=ticket.asset_id,
        site_id=ticket.site_id,
        queue_id=ticket.queue_id,
        category_id=ticket.category_id,
    )
    rows = list(await work.session.scalars(select(TicketMessage).where(TicketMessage.id.in_(message_ids))))
    if {row.id for row in rows if row.ticket_id == ticket.id} != set(message_ids):
        raise NotFound("One of these messages is not of this ticket.", field="messageIds")
    for row in rows:
        row.ticket_id = part.id
    await content.link_to(work, part, ticket, TicketLinkKind.RELATED)
    if message_ids:
        await service.updated(work, ticket, ("messages",))
    return part
