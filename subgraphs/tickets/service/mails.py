"""Mails that come in: each becomes a ticket, a message of one, or something that somebody has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import FileRefused
from subgraphs.tickets.models.content import InboundMail, TicketWatcher
from subgraphs.tickets.models.desk import ContactCopy, Queue
from subgraphs.tickets.models.tickets import Ticket, TicketMessage
from subgraphs.tickets.rules import files as file_rules
from subgraphs.tickets.rules import mail as rules
from subgraphs.tickets.rules import tickets as ticket_rules
from subgraphs.tickets.rules.mail import Mail, MailOutcome
from subgraphs.tickets.rules.tickets import TicketMessageKind, TicketSource, TicketStatus
from subgraphs.tickets.service import contacts, defaults, files, following, messages
from subgraphs.tickets.service import tickets as service

_MOST_AT_ONCE: Final = 5
_AT_ONCE: Final = timedelta(minutes=10)
_LONGEST: Final = 30 * 1024 * 1024
_MOST_FILES: Final = 20


def unmatched() -> Select[InboundMail]:
    """The mails of which nobody knows whose they are, the oldest first."""
    query = select(InboundMail).where(InboundMail.outcome == MailOutcome.UNMATCHED)
    return query.order_by(InboundMail.received_at, InboundMail.id)


async def receive(work: Work, raw: str) -> InboundMail:
    """Take in a mail as it came (RFC 5322); the same mail a second time changes nothing."""
    if work.caller.kind not in ticket_rules.INSIDERS:
        raise Forbidden("Mails are brought by the platform's own services and staff.")
    if len(raw) > _LONGEST:
        raise Invalid("The mail is too large.", field="raw")
    mail = rules.read(raw.encode("utf-8", "surrogateescape"))
    await defaults.settings(work)
    found = await work.session.scalar(select(InboundMail).where(InboundMail.message_id == mail.message_id))
    if found is not None:
        return found
    row = work.add(
        InboundMail(
            message_id=mail.message_id,
            sender=mail.sender,
            subject=mail.subject,
            received_at=mail.received_at or work.at,
            outcome=MailOutcome.IGNORED,
        )
    )
    await _sort(work, row, mail, raw)
    return row


async def assign(work: Work, id: UUID, customer_id: UUID, version: int | None = None) -> InboundMail:
    """Say whose a mail is of which nobody knew it; it becomes a ticket."""
    row = await work.take(InboundMail, id, field="id", version=version)
    if row.outcome is not MailOutcome.UNMATCHED or row.raw is None:
        raise Invalid("This mail has found its place already.", field="id")
    mail = rules.read(row.raw.encode("utf-8", "surrogateescape"))
    await _open(work, row, mail, customer_id, None)
    row.raw = row.reason = None
    return row


# --- where a mail belongs


async def _sort(work: Work, row: InboundMail, mail: Mail, raw: str) -> None:
    row.reason = mail.automatic or await _ours(work, mail)
    if row.reason is not None:
        return
    if await _floods(work, mail.sender):
        row.outcome, row.raw, row.reason = (
            MailOutcome.UNMATCHED,
            raw,
            f"More than {_MOST_AT_ONCE} mails in ten minutes.",
        )
        return
    ticket = await _answered(work, mail)
    if ticket is not None:
        await _append(work, row, mail, ticket)
        return
    contact = await contacts.writing_from(work, mail.sender)
    if contact is not None:
        await _open(work, row, mail, contact.customer_id, contact)
        return
    row.outcome, row.raw = MailOutcome.UNMATCHED, raw
    row.reason = f"Nobody we know writes from {mail.sender}."


async def _floods(work: Work, sender: str) -> bool:
    """Whether a sender writes faster than people do: what a machine sends that says so nowhere waits for a look."""
    lately = select(func.count()).where(InboundMail.sender == sender, InboundMail.created_at > work.at - _AT_ONCE)
    taken = lately.where(InboundMail.outcome.in_((MailOutcome.OPENED, MailOutcome.APPENDED, MailOutcome.FOLLOWED_UP)))
    return int(await work.session.scalar(taken) or 0) >= _MOST_AT_ONCE


async def _ours(work: Work, mail: Mail) -> str | None:
    """Why it must be our own: a desk that answers itself never stops."""
    query = select(Queue.id).where(func.lower(Queue.email) == mail.sender, Queue.archived_at.is_(None))
    if await work.session.scalar(query):
        return "It comes from one of our own queues."
    known = select(TicketMessage.id).where(TicketMessage.email_message_id == mail.message_id)
    return "We wrote it ourselves." if await work.session.scalar(known) else None


async def _answered(work: Work, mail: Mail) -> Ticket | None:
    """The ticket that a mail answers, by its thread or by the number in its subject."""
    if mail.answers:
        query = select(TicketMessage.email_message_id, TicketMessage.ticket_id)
        rows = await work.session.execute(query.where(TicketMessage.email_message_id.in_(mail.answers)))
        by_id = {row.email_message_id: row.ticket_id for row in rows}
        for answered in mail.answers:
            if answered in by_id:
                return await _where_it_goes_on(work, by_id[answered])
    root = rules.root_of(mail.answers)
    named = [Ticket.id == root] if root else [Ticket.number == mail.number] if mail.number is not None else []
    if named:
        ticket = await work.session.scalar(select(Ticket).where(*named))
        if ticket is not None and await _has_to_do_with(work, ticket, mail.sender):
            return await _where_it_goes_on(work, ticket.id)
    return None


async def _where_it_goes_on(work: Work, ticket_id: UUID) -> Ticket | None:
    """The ticket itself, locked, or the one into which it was merged."""
    for _ in range(10):
        ticket = await work.take(Ticket, ticket_id, field="raw")
        if ticket.merged_into_id is None:
            return ticket
        ticket_id = ticket.merged_into_id
    return None


async def _has_to_do_with(work: Work, ticket: Ticket, sender: str) -> bool:
    """Whether somebody may answer a ticket of which they name the number, which anybody can guess."""
    if ticket.requester_email == sender:
        return True
    known = or_(
        select(ContactCopy.contact_id)
        .where(ContactCopy.email == sender, ContactCopy.customer_id == ticket.customer_id)
        .exists(),
        select(TicketWatcher.id).where(TicketWatcher.email == sender, TicketWatcher.ticket_id == ticket.id).exists(),
        select(TicketMessage.id)
        .where(TicketMessage.author_email == sender, TicketMessage.ticket_id == ticket.id)
        .exists(),
    )
    return bool(await work.session.scalar(select(known)))


# --- what becomes of it


async def _open(work: Work, row: InboundMail, mail: Mail, customer_id: UUID, contact: ContactCopy | None) -> None:
    queue = await _queue(work, mail.recipients)
    ticket = await service.open_ticket(
        work,
        customer_id=customer_id,
        title=mail.subject,
        source=TicketSource.EMAIL,
        contact_id=contact.contact_id if contact else None,
        requester_email=mail.sender,
        queue_id=queue,
        received_at=min(row.received_at, work.at),
    )
    await _say(work, row, mail, ticket, MailOutcome.OPENED)


async def _append(work: Work, row: InboundMail, mail: Mail, ticket: Ticket) -> None:
    if ticket.status in following.ENDED:
        follower = await following.follow(
            work, ticket, title=mail.subject, source=TicketSource.EMAIL, received_at=min(row.received_at, work.at)
        )
        follower.requester_email = mail.sender
        await _say(work, row, mail, follower, MailOutcome.FOLLOWED_UP)
        return
    await _say(work, row, mail, ticket, MailOutcome.APPENDED)
    if ticket.status is TicketStatus.WAITING_CUSTOMER:
        await messages.heard_from_customer(work, ticket)


async def _say(work: Work, row: InboundMail, mail: Mail, ticket: Ticket, outcome: MailOutcome) -> None:
    heard = messages.Heard(mail.message_id, mail.answers[0] if mail.answers else None, mail.sender, mail.html)
    message = await messages.say(work, ticket, TicketMessageKind.CUSTOMER_MESSAGE, mail.text, field="raw", heard=heard)
    row.outcome, row.ticket_id, row.customer_id = outcome, ticket.id, ticket.customer_id
    refused = await _keep_files(work, ticket, message.id, mail.parts)
    row.reason = f"Not kept: {', '.join(refused)}." if refused else None


async def _keep_files(work: Work, ticket: Ticket, message_id: UUID, parts: Sequence[rules.Part]) -> list[str]:
    """Keep the files of a mail; the names of those that are not kept."""
    await work.session.flush()
    refused = [part.filename for part in parts[_MOST_FILES:]]
    for part in parts[:_MOST_FILES]:
        try:
            await files.keep(work, ticket, file_rules.checked(part.filename, part.content), message_id=message_id)
        except (FileRefused, Invalid):
            refused.append(part.filename)
    return refused


async def _queue(work: Work, recipients: Sequence[str]) -> UUID | None:
    """The queue to whose mail address it was sent."""
    query = select(Queue).where(func.lower(Queue.email).in_(recipients), Queue.archived_at.is_(None))
    found = await work.session.scalar(query.order_by(Queue.name).limit(1))
    return found.id if found else None
