"""What is said about tickets: to the customer, among us, and by the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.events import tickets as events
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.shapes import prose
from subgraphs.kit.work import Work
from subgraphs.tickets.models.tickets import Ticket, TicketMessage
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import Move, TicketMessageKind, TicketStatus
from subgraphs.tickets.service import sla
from subgraphs.tickets.service.steps import step


async def messages_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketMessage]]:
    """What was said about each ticket, oldest first; internal notes only for those who may read them."""
    where = (
        [] if "tickets:read_internal" in work.caller.scopes else [TicketMessage.kind != TicketMessageKind.INTERNAL_NOTE]
    )
    order = (TicketMessage.created_at, TicketMessage.id)
    return await work.per_parent(TicketMessage, TicketMessage.ticket_id, tickets, where=where, order=order, limit=limit)


async def reply(work: Work, id: UUID, body_text: str) -> Ticket:
    """Say something to the other side: we to the customer, or the customer to us."""
    ticket = await work.take(Ticket, id, field="id")
    from_customer = work.caller.kind == "CUSTOMER"
    kind = TicketMessageKind.CUSTOMER_MESSAGE if from_customer else TicketMessageKind.PUBLIC_REPLY
    await say(work, ticket, kind, body_text, field="bodyText")
    if from_customer and ticket.status is TicketStatus.WAITING_CUSTOMER:
        await step(work, ticket, Move.ANSWERED)
    return ticket


async def note(work: Work, id: UUID, body_text: str) -> Ticket:
    """Write something down that customers never see."""
    work.caller.require("tickets:read_internal")
    if work.caller.kind not in rules.INSIDERS:
        raise Forbidden("Internal notes are for staff.")
    ticket = await work.take(Ticket, id, field="id")
    await say(work, ticket, TicketMessageKind.INTERNAL_NOTE, body_text, field="bodyText")
    return ticket


async def say(
    work: Work, ticket: Ticket, kind: TicketMessageKind, text: str, *, field: str, by_a_person: bool = True
) -> TicketMessage:
    """Write down what was said; a public answer by a person is what the customer was promised."""
    message = work.add(
        TicketMessage(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            kind=kind,
            author_id=work.caller.subject,
            body_text=something(text, field=field),
        )
    )
    said = events.TicketReplied(id=ticket.id, message_id=message.id, kind=kind.value)
    await work.emit(said, subject=ticket.id, customer=ticket.customer_id)
    if kind is TicketMessageKind.PUBLIC_REPLY and by_a_person:
        ticket.first_response_at = ticket.first_response_at or work.at
        await sla.answered(work, ticket)
    return message


def something(text: str, *, field: str) -> str:
    """Text that may not be blank; raises `Invalid` naming `field`."""
    said = prose(text, field=field)
    if said is None:
        raise Invalid(f"{field} must not be empty.", field=field)
    return said
