"""One step of a ticket from status to status: the row, the event, and the clocks that see it."""

from __future__ import annotations

from contracts.events import tickets as events
from subgraphs.kit.work import Work
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import Move, TicketStatus
from subgraphs.tickets.service import approvals, sla


async def step(
    work: Work, ticket: Ticket, move: Move, *, reason: str | None = None, target: TicketStatus | None = None
) -> None:
    """Move the ticket; a sub-status belongs to the status that it was given for, and goes with it."""
    before = ticket.status
    await approvals.check_move(work, ticket, move)
    ticket.status = target or rules.moved(move, before)
    if ticket.status is not before:
        ticket.sub_status_id = None
    happened = events.TicketStatusChanged(
        id=ticket.id, from_=before.value, to=ticket.status.value, reason=reason, at=work.at
    )
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    await sla.moved(work, ticket)
    if ticket.status in {TicketStatus.CANCELLED, TicketStatus.MERGED}:
        await approvals.ended(work, ticket)
