"""What the service desk does: every write to a ticket is here, and every event that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic.alias_generators import to_camel
from sqlalchemy import Select, select

from contracts.events import tickets as events
from subgraphs.kit import numbers, references
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.live import News
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets import rules
from subgraphs.tickets.errors import NobodyAssigned
from subgraphs.tickets.models import Ticket, TicketMessage
from subgraphs.tickets.rules import Move, TicketMessageKind, TicketPriority, TicketSource, TicketStatus, TicketType

NEWEST_FIRST = Order((Ticket.created_at,), descending=True)
MESSAGES_AT_ONCE = 200

# --- reading


async def find(work: Work, identity: str) -> Ticket | None:
    """The ticket with this UUID or number, or None."""
    if (key := parsed(identity)) is not None:
        return await work.find(Ticket, key)
    found: Ticket | None = await work.session.scalar(select(Ticket).where(Ticket.number == identity))
    return found


def selected(*, status: str | None, wanted: Any = None, search: str | None = None) -> Select[Ticket]:
    """The query for tickets of this status (a word as in `rules.statuses`), filter and search."""
    query = select(Ticket).where(*conditions(Ticket, wanted), *containing(search, Ticket.title, Ticket.number))
    return query if status is None else query.where(Ticket.status.in_(rules.statuses(status)))


async def listed(
    work: Work, *, status: str | None, customer_id: str | None, limit: int, offset: int
) -> Sequence[Ticket]:
    """Tickets of the tenant or of one customer, newest first."""
    query = selected(status=status).order_by(Ticket.created_at.desc(), Ticket.id.desc()).limit(limit).offset(offset)
    if customer_id is not None:
        query = query.where(Ticket.customer_id == (parsed(customer_id) or UUID(int=0)))
    return (await work.session.scalars(query)).all()


async def of_customers(
    work: Work,
    customers: Sequence[UUID],
    *,
    statuses: frozenset[TicketStatus],
    priority: TicketPriority | None,
    limit: int,
    offset: int,
) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets of each customer, newest first."""
    where = [Ticket.status.in_(statuses)] + ([Ticket.priority == priority] if priority else [])
    order = (Ticket.created_at.desc(), Ticket.id.desc())
    return await work.per_parent(
        Ticket, Ticket.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )


async def of_assets(
    work: Work, assets: Sequence[UUID], *, statuses: frozenset[TicketStatus], limit: int
) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets about each asset, newest first."""
    order = (Ticket.created_at.desc(), Ticket.id.desc())
    where = [Ticket.status.in_(statuses)]
    return await work.per_parent(Ticket, Ticket.asset_id, assets, where=where, order=order, limit=limit)


async def messages_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TicketMessage]]:
    """What was said about each ticket, oldest first; internal notes only for those who may read them."""
    where = (
        [] if "tickets:read_internal" in work.caller.scopes else [TicketMessage.kind != TicketMessageKind.INTERNAL_NOTE]
    )
    order = (TicketMessage.created_at, TicketMessage.id)
    return await work.per_parent(TicketMessage, TicketMessage.ticket_id, tickets, where=where, order=order, limit=limit)


# --- watching


def tells(caller: Caller, heard: News) -> bool:
    """Whether somebody who sees a ticket may learn of this event: of internal notes, only those who may read them."""
    if heard.type != events.TicketReplied.type or "tickets:read_internal" in caller.scopes:
        return True
    return (heard.data or {}).get("kind") in (TicketMessageKind.PUBLIC_REPLY, TicketMessageKind.CUSTOMER_MESSAGE)


def of_customer(customer_id: str | None) -> Callable[[Ticket], bool] | None:
    """What tells the tickets of one customer; None means all."""
    return None if customer_id is None else lambda ticket: ticket.customer_id == parsed(customer_id)


# --- opening and changing


async def open_ticket(
    work: Work,
    *,
    customer_id: UUID,
    title: str,
    description: str | None = None,
    type: TicketType = TicketType.INCIDENT,
    priority: TicketPriority = TicketPriority.P3,
    source: TicketSource = TicketSource.API,
    contact_id: UUID | None = None,
    asset_id: UUID | None = None,
    assignee_id: UUID | None = None,
    due_at: Any = None,
) -> Ticket:
    """Open a ticket for a customer; it is NEW, or OPEN when somebody has it from the start."""
    await references.require(work, "Customer", customer_id, field="customerId")
    await _check_asset(work, asset_id, customer_id)
    ticket = work.add(
        Ticket(
            number=f"T-{work.at.year}-{await numbers.following(work, f'ticket-{work.at.year}'):06}",
            title=line(title, field="title"),
            description=prose(description, field="description"),
            type=type,
            status=TicketStatus.OPEN if assignee_id else TicketStatus.NEW,
            priority=priority,
            source=source,
            customer_id=customer_id,
            contact_id=contact_id,
            asset_id=asset_id,
            assignee_id=assignee_id,
            due_at=due_at,
            reopen_count=0,
        )
    )
    await work.emit(_created(ticket), subject=ticket.id, customer=ticket.customer_id)
    return ticket


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Ticket:
    """Change what describes the ticket: title, description, type, contact, asset, due date."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if "title" in changes:
        ticket.title = line(changes["title"], field="title")
    if "description" in changes:
        ticket.description = prose(changes["description"], field="description")
    if "asset_id" in changes:
        await _check_asset(work, changes["asset_id"], ticket.customer_id)
        ticket.asset_id = changes["asset_id"]
    if changes.get("type"):
        ticket.type = changes["type"]
    for name in changes.keys() & {"contact_id", "due_at"}:
        setattr(ticket, name, changes[name])
    if changed := tuple(sorted(to_camel(name) for name in changes)):
        happened = events.TicketUpdated(id=ticket.id, changed=changed)
        await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    return ticket


async def prioritise(work: Work, id: UUID, priority: TicketPriority, version: int | None = None) -> Ticket:
    """Give the ticket another priority."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    before, ticket.priority = ticket.priority, priority
    if before is not priority:
        happened = events.TicketPriorityChanged(id=ticket.id, from_=before.value, to=priority.value)
        await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    return ticket


# --- moving


async def assign(work: Work, id: UUID, assignee_id: UUID | None, version: int | None = None) -> Ticket:
    """Give the ticket to somebody, or to nobody; a new one is open from then on."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    ticket.assignee_id = assignee_id
    happened = events.TicketAssigned(id=ticket.id, assignee_id=assignee_id)
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
    if assignee_id and ticket.status is TicketStatus.NEW:
        await _move(work, ticket, Move.ASSIGN)
    return ticket


async def start(work: Work, id: UUID, version: int | None = None) -> Ticket:
    """Begin to work on it; somebody must have it."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if ticket.assignee_id is None:
        raise NobodyAssigned("Assign the ticket to somebody first.", field="id")
    await _move(work, ticket, Move.START)
    return ticket


async def wait_for_customer(work: Work, id: UUID, reply: str, version: int | None = None) -> Ticket:
    """Ask the customer something, and wait for the answer."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await _move(work, ticket, Move.WAIT_FOR_CUSTOMER)
    await _say(work, ticket, TicketMessageKind.PUBLIC_REPLY, reply, field="reply")
    return ticket


async def wait_for_vendor(work: Work, id: UUID, vendor_reference: str, version: int | None = None) -> Ticket:
    """Hand it to a vendor, and wait for them."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    ticket.vendor_reference = line(vendor_reference, field="vendorReference")
    await _move(work, ticket, Move.WAIT_FOR_VENDOR)
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
    ticket.resolution = _something(resolution, field="resolution")
    ticket.resolution_code = optional_line(resolution_code, field="resolutionCode", longest=50)
    ticket.resolved_at = work.at
    await _move(work, ticket, Move.RESOLVE)
    resolved = events.TicketResolved(id=ticket.id, resolution_code=ticket.resolution_code)
    await work.emit(resolved, subject=ticket.id, customer=ticket.customer_id)
    return ticket


async def reopen(work: Work, id: UUID, reason: str | None = None, version: int | None = None) -> Ticket:
    """Take back that it is done, within ten business days."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    target = rules.moved(Move.REOPEN, ticket.status)
    rules.check_reopening(ticket.resolved_at, work.at)
    ticket.resolved_at, ticket.reopen_count = None, ticket.reopen_count + 1
    await _move(work, ticket, Move.REOPEN, reason=prose(reason, field="reason"), target=target)
    await work.emit(
        events.TicketReopened(id=ticket.id, reopen_count=ticket.reopen_count),
        subject=ticket.id,
        customer=ticket.customer_id,
    )
    return ticket


async def close(work: Work, id: UUID, version: int | None = None) -> Ticket:
    """Close a resolved ticket for good."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    ticket.closed_at = work.at
    await _move(work, ticket, Move.CLOSE)
    closed = events.TicketClosed(id=ticket.id, resolution_code=ticket.resolution_code)
    await work.emit(closed, subject=ticket.id, customer=ticket.customer_id)
    return ticket


async def cancel(work: Work, id: UUID, reason: str, version: int | None = None) -> Ticket:
    """Decide that it will not be done, and say why."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await _move(work, ticket, Move.CANCEL, reason=_something(reason, field="reason"))
    await work.emit(events.TicketCancelled(id=ticket.id), subject=ticket.id, customer=ticket.customer_id)
    return ticket


# --- talking


async def reply(work: Work, id: UUID, body_text: str) -> Ticket:
    """Say something to the other side: we to the customer, or the customer to us."""
    ticket = await work.take(Ticket, id, field="id")
    from_customer = work.caller.kind == "CUSTOMER"
    kind = TicketMessageKind.CUSTOMER_MESSAGE if from_customer else TicketMessageKind.PUBLIC_REPLY
    await _say(work, ticket, kind, body_text, field="bodyText")
    if from_customer and ticket.status is TicketStatus.WAITING_CUSTOMER:
        await _move(work, ticket, Move.ANSWERED)
    return ticket


async def note(work: Work, id: UUID, body_text: str) -> Ticket:
    """Write something down that customers never see."""
    work.caller.require("tickets:read_internal")
    if work.caller.kind not in rules.INSIDERS:
        raise Forbidden("Internal notes are for staff.")
    ticket = await work.take(Ticket, id, field="id")
    await _say(work, ticket, TicketMessageKind.INTERNAL_NOTE, body_text, field="bodyText")
    return ticket


async def _say(work: Work, ticket: Ticket, kind: TicketMessageKind, text: str, *, field: str) -> None:
    message = work.add(
        TicketMessage(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            kind=kind,
            author_id=work.caller.subject,
            body_text=_something(text, field=field),
        )
    )
    if kind is TicketMessageKind.PUBLIC_REPLY:
        ticket.first_response_at = ticket.first_response_at or work.at
    said = events.TicketReplied(id=ticket.id, message_id=message.id, kind=kind.value)
    await work.emit(said, subject=ticket.id, customer=ticket.customer_id)


# --- what the above share


async def _move(
    work: Work, ticket: Ticket, move: Move, *, reason: str | None = None, target: TicketStatus | None = None
) -> None:
    before = ticket.status
    ticket.status = target or rules.moved(move, before)
    happened = events.TicketStatusChanged(
        id=ticket.id, from_=before.value, to=ticket.status.value, reason=reason, at=work.at
    )
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)


async def _check_asset(work: Work, asset_id: UUID | None, customer_id: UUID) -> None:
    if asset_id is not None:
        asset = await references.require(work, "Asset", asset_id, field="assetId")
        if asset.customer_id != customer_id:
            raise Invalid("This asset belongs to another customer than the ticket.", field="assetId")


def _something(text: str, *, field: str) -> str:
    said = prose(text, field=field)
    if said is None:
        raise Invalid(f"{field} must not be empty.", field=field)
    return said


def _created(ticket: Ticket) -> events.TicketCreated:
    return events.TicketCreated(
        id=ticket.id,
        number=ticket.number,
        title=ticket.title,
        ticket_type=ticket.type.value,
        priority=ticket.priority.value,
        customer_id=ticket.customer_id,
        contact_id=ticket.contact_id,
        asset_id=ticket.asset_id,
        source=ticket.source.value,
    )
