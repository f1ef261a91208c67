"""The moves of tickets: from new to closed, and the guards on the way."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from contracts.events import tickets as events
from subgraphs.kit import jobs
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import NobodyAssigned, StillOpen
from subgraphs.tickets.models.content import ChecklistItem
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.models.time_entries import Timer
from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules import defaults as defaults_rules
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import DONE, Move, TicketMessageKind, TicketStatus, TicketType
from subgraphs.tickets.service import defaults, people, sla
from subgraphs.tickets.service.messages import say, something
from subgraphs.tickets.service.steps import step
from subgraphs.tickets.service.tickets import answered_at

CLOSE_JOB: Final = "ticket.close"


async def assign(
    work: Work, id: UUID, assignee_id: UUID | None, team_id: UUID | None = None, version: int | None = None
) -> Ticket:
    """Give the ticket to somebody, or to nobody; a new one is open from then on."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await people.worker(work, assignee_id, customer=ticket.customer_id, field="assigneeId")
    ticket.assignee_id, ticket.team_id = assignee_id, team_id or ticket.team_id
    happened = events.TicketAssigned(id=ticket.id, assignee_id=assignee_id, team_id=ticket.team_id)
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    if assignee_id and ticket.status is TicketStatus.NEW:
        await step(work, ticket, Move.ASSIGN)
    return ticket


async def start(work: Work, id: UUID, version: int | None = None) -> Ticket:
    """Begin to work on it; somebody must have it."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if ticket.assignee_id is None:
        raise NobodyAssigned("Assign the ticket to somebody first.", field="id")
    await step(work, ticket, Move.START)
    return ticket


async def wait_for_customer(work: Work, id: UUID, reply: str, version: int | None = None) -> Ticket:
    """Ask the customer something, and wait for the answer."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await step(work, ticket, Move.WAIT_FOR_CUSTOMER)
    await say(work, ticket, TicketMessageKind.PUBLIC_REPLY, reply, field="reply")
    return ticket


async def wait_for_vendor(work: Work, id: UUID, vendor_reference: str, version: int | None = None) -> Ticket:
    """Hand it to a vendor, and wait for them."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    ticket.vendor_reference = line(vendor_reference, field="vendorReference")
    await step(work, ticket, Move.WAIT_FOR_VENDOR)
    return ticket


async def resolve(
    work: Work,
    id: UUID,
    resolution: str,
    resolution_code: str | None = None,
    version: int | None = None,
) -> Ticket:
    """Say that it is done, and how."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    rules.moved(Move.RESOLVE, ticket.status)
    await _check_resolvable(work, ticket)
    ticket.resolution = something(resolution, field="resolution")
    ticket.resolution_code = optional_line(resolution_code, field="resolutionCode", longest=50)
    ticket.resolved_at = work.at
    await step(work, ticket, Move.RESOLVE)
    reply_to = await answered_at(work, ticket)
    resolved = events.TicketResolved(id=ticket.id, resolution_code=ticket.resolution_code, reply_to=reply_to)
    await work.emit(resolved, subject=ticket.id, customer=ticket.customer_id)
    await _close_later(work, ticket)
    return ticket


async def reopen(work: Work, id: UUID, reason: str | None = None, version: int | None = None) -> Ticket:
    """Take back that it is done, within ten business days."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    target = rules.moved(Move.REOPEN, ticket.status)
    settings = await defaults.settings(work)
    calendar = await sla.calendar_of(work, ticket) or defaults_rules.FALLBACK
    rules.check_reopening(ticket.resolved_at, work.at, calendar, within=settings.reopen_within_business_days)
    ticket.resolved_at, ticket.reopen_count = None, ticket.reopen_count + 1
    await step(work, ticket, Move.REOPEN, reason=prose(reason, field="reason"), target=target)
    await work.emit(
        events.TicketReopened(id=ticket.id, reopen_count=ticket.reopen_count),
        subject=ticket.id,
        customer=ticket.customer_id,
    )
    return ticket


async def close(work: Work, id: UUID, version: int | None = None) -> Ticket:
    """Close a resolved ticket for good."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await _close(work, ticket)
    return ticket


async def cancel(work: Work, id: UUID, reason: str, version: int | None = None) -> Ticket:
    """Decide that it will not be done, and say why."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await step(work, ticket, Move.CANCEL, reason=something(reason, field="reason"))
    await work.emit(events.TicketCancelled(id=ticket.id), subject=ticket.id, customer=ticket.customer_id)
    return ticket


# --- what happens by itself


async def close_due(work: Work, payload: jobs.Payload) -> None:
    """A ticket was resolved some business days ago; close it, unless it was reopened meanwhile."""
    ticket = await work.session.get(
        Ticket, {"tenant_id": work.caller.tenant, "id": UUID(payload["ticket"])}, with_for_update=True
    )
    if ticket is None or ticket.status is not TicketStatus.RESOLVED:
        return
    if ticket.resolved_at == datetime.fromisoformat(payload["resolvedAt"]):
        await _close(work, ticket)


async def _close_later(work: Work, ticket: Ticket) -> None:
    settings = await defaults.settings(work)
    calendar = await sla.calendar_of(work, ticket) or defaults_rules.FALLBACK
    at = calendars.after_business_days(calendar, work.at, settings.close_after_business_days)
    payload = {"ticket": str(ticket.id), "resolvedAt": work.at.isoformat()}
    await jobs.enqueue(work, CLOSE_JOB, payload, at=at, key=f"{ticket.id}/{work.at.isoformat()}")


async def _close(work: Work, ticket: Ticket) -> None:
    ticket.closed_at = work.at
    await step(work, ticket, Move.CLOSE)
    closed = events.TicketClosed(id=ticket.id, resolution_code=ticket.resolution_code)
    await work.emit(closed, subject=ticket.id, customer=ticket.customer_id)


async def _check_resolvable(work: Work, ticket: Ticket) -> None:
    """Refuse while somebody's timer runs on it, or an incident below it is open."""
    if await work.session.scalar(select(func.count()).select_from(Timer).where(Timer.ticket_id == ticket.id)):
        raise StillOpen("Somebody's timer runs on this ticket; stop it first.", field="id")
    undone = ChecklistItem.ticket_id == ticket.id, ChecklistItem.required, ChecklistItem.done_at.is_(None)
    if text := await work.session.scalar(select(ChecklistItem.text).where(*undone).order_by(ChecklistItem.position)):
        raise StillOpen(f"A required step is not done: {text}", field="id")
    below = Ticket.parent_id == ticket.id, Ticket.type == TicketType.INCIDENT, Ticket.status.not_in(DONE)
    if number := await work.session.scalar(select(Ticket.number).where(*below).order_by(Ticket.number).limit(1)):
        raise StillOpen(f"The incident {number} below this ticket is still open.", field="id")
