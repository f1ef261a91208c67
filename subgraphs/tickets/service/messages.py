"""What is said about tickets: to the customer, among us, and by the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from contracts.events import tickets as events
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import prose
from subgraphs.kit.work import Work
from subgraphs.tickets.models.content import TicketWatcher
from subgraphs.tickets.models.desk import Queue
from subgraphs.tickets.models.tickets import Ticket, TicketMessage
from subgraphs.tickets.rules import mail
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import MessageChannel, Move, TicketMessageKind, TicketStatus
from subgraphs.tickets.service import contacts, sla
from subgraphs.tickets.service.steps import step

_MOST_REFERENCES: Final = 20
_NO_DOMAIN: Final = "psa.invalid"
"""A name that is nobody's (RFC 2606): for desks without a mail address of their own."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a mail adds to a message: how it was written, and its place in the thread."""

    message_id: str
    in_reply_to: str | None
    sender: str
    html: str | None


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
    if from_customer:
        await heard_from_customer(work, ticket)
    return ticket


async def heard_from_customer(work: Work, ticket: Ticket) -> None:
    """The customer said something: a ticket that waited for it is open again."""
    if ticket.status is TicketStatus.WAITING_CUSTOMER:
        await step(work, ticket, Move.ANSWERED)


async def note(work: Work, id: UUID, body_text: str) -> Ticket:
    """Write something down that customers never see."""
    work.caller.require("tickets:read_internal")
    if work.caller.kind not in rules.INSIDERS:
        raise Forbidden("Internal notes are for staff.")
    ticket = await work.take(Ticket, id, field="id")
    await say(work, ticket, TicketMessageKind.INTERNAL_NOTE, body_text, field="bodyText")
    return ticket


async def say(
    work: Work,
    ticket: Ticket,
    kind: TicketMessageKind,
    text: str,
    *,
    field: str,
    by_a_person: bool = True,
    heard: Heard | None = None,
) -> TicketMessage:
    """Write down what was said; a public answer by a person is what the customer was promised."""
    message = work.add(
        TicketMessage(
            id=uuid7(),
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            kind=kind,
            author_id=work.caller.subject,
            body_text=something(text, field=field),
            body_html=heard.html if heard else None,
            channel=MessageChannel.EMAIL if heard else MessageChannel.PORTAL,
            email_message_id=heard.message_id if heard else None,
            in_reply_to=heard.in_reply_to if heard else None,
            author_email=heard.sender if heard else None,
            ai_generated=False,
        )
    )
    letter = await _mail(work, ticket, message) if kind is TicketMessageKind.PUBLIC_REPLY else None
    if letter is not None:
        message.email_message_id, message.in_reply_to = letter.message_id, letter.in_reply_to
    await _tell(work, ticket, message, letter)
    if kind is TicketMessageKind.PUBLIC_REPLY and by_a_person:
        ticket.first_response_at = ticket.first_response_at or work.at
        await sla.answered(work, ticket)
    return message


async def _tell(work: Work, ticket: Ticket, message: TicketMessage, letter: events.TicketMail | None) -> None:
    watchers = await work.session.scalars(
        select(TicketWatcher.user_id).where(TicketWatcher.ticket_id == ticket.id, TicketWatcher.user_id.is_not(None))
    )
    said = events.TicketReplied(
        id=ticket.id,
        message_id=message.id,
        kind=message.kind.value,
        number=ticket.number,
        title=ticket.title,
        channel=message.channel.value,
        body_text=None if message.kind is TicketMessageKind.INTERNAL_NOTE else message.body_text,
        author_id=message.author_id,
        assignee_id=ticket.assignee_id,
        watcher_ids=tuple(one for one in watchers if one),
        mail=letter,
    )
    await work.emit(said, subject=ticket.id, customer=ticket.customer_id)


async def _mail(work: Work, ticket: Ticket, message: TicketMessage) -> events.TicketMail | None:
    """The mail that carries an answer to whoever asked, and to those who want to hear of it."""
    to = ticket.requester_email
    if to is None and ticket.contact_id is not None:
        to = (await contacts.addresses(work, [ticket.contact_id])).get(ticket.contact_id)
    copies = await work.session.scalars(
        select(TicketWatcher.email).where(TicketWatcher.ticket_id == ticket.id, TicketWatcher.email.is_not(None))
    )
    cc = sorted({one for one in copies if one and one != to})
    if to is None and not cc:
        return None
    queue = await work.find(Queue, ticket.queue_id) if ticket.queue_id else None
    reply_to = queue.email if queue else None
    earlier = [
        one
        for one in await work.session.scalars(
            select(TicketMessage.email_message_id)
            .where(TicketMessage.ticket_id == ticket.id, TicketMessage.email_message_id.is_not(None))
            .order_by(TicketMessage.created_at.desc(), TicketMessage.id.desc())
            .limit(_MOST_REFERENCES)
        )
        if one
    ]
    domain = reply_to.rpartition("@")[2] if reply_to else _NO_DOMAIN
    return events.TicketMail(
        to=(to,) if to else tuple(cc[:1]),
        cc=tuple(cc if to else cc[1:]),
        reply_to=reply_to,
        subject=mail.subject(ticket.number, ticket.title),
        message_id=mail.own_message_id(message.id, ticket.id, domain),
        in_reply_to=earlier[0] if earlier else None,
        references=tuple(reversed(earlier)),
    )


def something(text: str, *, field: str) -> str:
    """Text that may not be blank; raises `Invalid` naming `field`."""
    said = prose(text, field=field)
    if said is None:
        raise Invalid(f"{field} must not be empty.", field=field)
    return said
