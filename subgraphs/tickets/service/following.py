"""What a customer says after the end: a closed ticket stays closed, and another one goes on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from subgraphs.kit.work import Work
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules.tickets import TicketLinkKind, TicketMessageKind, TicketSource, TicketStatus
from subgraphs.tickets.service import content, messages
from subgraphs.tickets.service import tickets as service

ENDED = frozenset({TicketStatus.CLOSED, TicketStatus.CANCELLED})


async def reply(work: Work, id: UUID, body_text: str) -> Ticket:
    """Say something to the other side; what a customer says to a closed ticket becomes a ticket that follows it."""
    ticket = await work.find(Ticket, id)
    if ticket is None or work.caller.kind != "CUSTOMER" or ticket.status not in ENDED:
        return await messages.reply(work, id, body_text)
    said = messages.something(body_text, field="bodyText")
    follower = await follow(work, ticket, title=ticket.title, source=TicketSource.PORTAL)
    await messages.say(work, follower, TicketMessageKind.CUSTOMER_MESSAGE, said, field="bodyText")
    return follower


async def follow(
    work: Work, ticket: Ticket, *, title: str, source: TicketSource, received_at: datetime | None = None
) -> Ticket:
    """Open the ticket that goes on where a closed one ended."""
    follower = await service.open_ticket(
        work,
        customer_id=ticket.customer_id,
        title=title,
        type=ticket.type,
        source=source,
        contact_id=ticket.contact_id,
        asset_id=ticket.asset_id,
        site_id=ticket.site_id,
        queue_id=ticket.queue_id,
        category_id=ticket.category_id,
        requester_email=ticket.requester_email,
        received_at=received_at,
    )
    await content.link_to(work, follower, ticket, TicketLinkKind.FOLLOW_UP_OF)
    return follower
