"""What belongs to a ticket: links to others, steps, watchers, and what the customer thought of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from contracts.events import tickets as events
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.shapes import line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import AlreadyRated
from subgraphs.tickets.models.content import ChecklistItem, CsatResponse, TicketLink, TicketWatcher
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import mail
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.tickets import TicketLinkKind
from subgraphs.tickets.service import people
from subgraphs.tickets.service.tickets import updated

_LONGEST_CHECKLIST: Final = 100
_MOST_WATCHERS: Final = 50

# --- links


async def link(work: Work, id: UUID, other_id: UUID, kind: TicketLinkKind = TicketLinkKind.RELATED) -> Ticket:
    """Say what a ticket is to another one; saying it twice changes nothing."""
    ticket = await work.take(Ticket, id, field="id")
    other = await work.find(Ticket, other_id)
    if other is None:
        raise NotFound("There is no ticket with this id.", field="otherId")
    if other.id == ticket.id:
        raise Invalid("A ticket cannot be linked to itself.", field="otherId")
    await link_to(work, ticket, other, kind)
    return ticket


async def link_to(work: Work, ticket: Ticket, other: Ticket, kind: TicketLinkKind) -> None:
    """The same for tickets that were found already."""
    query = select(TicketLink).where(
        TicketLink.ticket_id == ticket.id, TicketLink.other_id == other.id, TicketLink.kind == kind
    )
    if await work.session.scalar(query) is None:
        await work.session.flush()  # a link points at tickets that may be new
        work.add(TicketLink(ticket_id=ticket.id, other_id=other.id, customer_id=ticket.customer_id, kind=kind))
        await updated(work, ticket, ("links",))


async def unlink(work: Work, id: UUID, other_id: UUID) -> Ticket:
    """Take back what one ticket is to the other, in both directions."""
    ticket = await work.take(Ticket, id, field="id")
    both = or_(
        (TicketLink.ticket_id == id) & (TicketLink.other_id == other_id),
        (TicketLink.ticket_id == other_id) & (TicketLink.other_id == id),
    )
    rows = (await work.session.scalars(select(TicketLink).where(both))).all()
    if not rows:
        raise NotFound("These two are not linked.", field="otherId")
    for row in rows:
        await work.session.delete(row)
    await updated(work, ticket, ("links",))
    return ticket


async def links_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketLink]]:
    """What each ticket is to others."""
    order = (TicketLink.created_at, TicketLink.id)
    return await work.per_parent(TicketLink, TicketLink.ticket_id, tickets, order=order, limit=limit)


async def linked_from(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketLink]]:
    """What others are to each ticket."""
    order = (TicketLink.created_at, TicketLink.id)
    return await work.per_parent(TicketLink, TicketLink.other_id, tickets, order=order, limit=limit)


# --- steps


async def add_steps(work: Work, ticket: Ticket, steps: Sequence[tuple[str, bool]]) -> None:
    """Append steps to a ticket: each a text, and whether it is required."""
    await work.session.flush()
    there = await work.session.scalar(select(func.count()).where(ChecklistItem.ticket_id == ticket.id)) or 0
    if there + len(steps) > _LONGEST_CHECKLIST:
        raise Invalid(f"A ticket has at most {_LONGEST_CHECKLIST} steps.", field="text")
    for number, (text, required) in enumerate(steps, there):
        work.add(
            ChecklistItem(
                ticket_id=ticket.id,
                customer_id=ticket.customer_id,
                text=line(text, field="text", longest=500),
                position=number,
                required=required,
            )
        )


async def add_step(work: Work, id: UUID, text: str, *, required: bool = False) -> Ticket:
    """Append a step to a ticket."""
    ticket = await work.take(Ticket, id, field="id")
    await add_steps(work, ticket, [(text, required)])
    await updated(work, ticket, ("checklist",))
    return ticket


async def tick(work: Work, item_id: UUID, *, done: bool = True) -> Ticket:
    """Say that a step is done, or that it is not."""
    item = await work.take(ChecklistItem, item_id, field="itemId")
    ticket = await work.take(Ticket, item.ticket_id, field="itemId")
    if ticket.status in rules.DONE:
        raise Invalid("The ticket is done; its steps stay as they are.", field="itemId")
    item.done_at, item.done_by = (item.done_at or work.at, work.caller.subject) if done else (None, None)
    await updated(work, ticket, ("checklist",))
    return ticket


async def steps_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[ChecklistItem]]:
    """The steps of each ticket, in their order."""
    order = (ChecklistItem.position, ChecklistItem.id)
    return await work.per_parent(ChecklistItem, ChecklistItem.ticket_id, tickets, order=order, limit=limit)


# --- watchers


async def watch(work: Work, id: UUID, user_id: UUID | None = None, email: str | None = None) -> Ticket:
    """Let a user or a mail address hear of a ticket; whoever asks, when neither is named."""
    ticket = await work.take(Ticket, id, field="id")
    address = mail.address(email, field="email")
    if address is not None and work.caller.kind not in rules.INSIDERS:
        raise Forbidden("Mail addresses are added by staff.", field="email")
    await people.listener(work, user_id, customer=ticket.customer_id, field="userId")
    await add_watcher(work, ticket, user_id or (None if address else work.caller.subject), address)
    await updated(work, ticket, ("watchers",))
    return ticket


async def add_watcher(work: Work, ticket: Ticket, user_id: UUID | None, address: str | None) -> None:
    """Add somebody who is not there yet."""
    await work.session.flush()
    there = (await work.session.scalars(select(TicketWatcher).where(TicketWatcher.ticket_id == ticket.id))).all()
    if any((one.user_id, one.email) == (user_id, address) for one in there):
        return
    if len(there) >= _MOST_WATCHERS:
        raise Invalid(f"A ticket has at most {_MOST_WATCHERS} watchers.", field="id")
    work.add(TicketWatcher(ticket_id=ticket.id, customer_id=ticket.customer_id, user_id=user_id, email=address))


async def unwatch(work: Work, id: UUID, user_id: UUID | None = None, email: str | None = None) -> Ticket:
    """Let them no longer hear of it."""
    ticket = await work.take(Ticket, id, field="id")
    address = mail.address(email, field="email")
    who = TicketWatcher.email == address if address else TicketWatcher.user_id == (user_id or work.caller.subject)
    for row in await work.session.scalars(select(TicketWatcher).where(TicketWatcher.ticket_id == ticket.id, who)):
        await work.session.delete(row)
    await updated(work, ticket, ("watchers",))
    return ticket


async def watchers_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketWatcher]]:
    """Who wants to hear of each ticket."""
    order = (TicketWatcher.created_at, TicketWatcher.id)
    return await work.per_parent(TicketWatcher, TicketWatcher.ticket_id, tickets, order=order, limit=limit)


# --- satisfaction


async def rate(work: Work, id: UUID, score: int, comment: str | None = None) -> CsatResponse:
    """Say how satisfied the customer is with a ticket that is done; once."""
    ticket = await work.find(Ticket, id)
    if ticket is None:
        raise NotFound("There is no ticket with this id.", field="id")
    rules.check_ratable(ticket.status)
    if not 1 <= score <= 5:
        raise Invalid("A score is a number from 1 to 5.", field="score")
    row = work.add(
        CsatResponse(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            score=score,
            comment=prose(comment, field="comment", longest=4000),
            responded_at=work.at,
        )
    )
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise AlreadyRated("This ticket was rated before.", field="id") from error
    happened = events.CsatReceived(id=ticket.id, score=score, comment=row.comment)
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    return row


async def ratings_of(work: Work, tickets: Sequence[UUID]) -> Mapping[UUID, Sequence[CsatResponse]]:
    """What the customer thought of each ticket, in a list of one at most."""
    return await work.per_parent(CsatResponse, CsatResponse.ticket_id, tickets, limit=1)
