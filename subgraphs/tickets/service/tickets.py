"""Tickets: found, listed, opened and described; how they move is in `moves`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic.alias_generators import to_camel
from sqlalchemy import Select, select

from contracts.events import tickets as events
from subgraphs.kit import numbers, references
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.live import News
from subgraphs.kit.paging import Connection, Cut, Node, Order, pages
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Category, DeskSettings, Queue, SubStatus
from subgraphs.tickets.models.sla import SlaPolicy
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import priorities
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import TicketMessageKind, TicketPriority, TicketSource, TicketStatus, TicketType
from subgraphs.tickets.service import approvals, contacts, defaults, people, sla

NEWEST_FIRST = Order((Ticket.created_at,), descending=True)
FIRST_QUEUE: Final = "Service Desk"
_MOST_TAGS = 30

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


async def pages_of_customers(
    work: Work,
    customers: Sequence[UUID],
    *,
    statuses: frozenset[TicketStatus],
    priority: TicketPriority | None,
    wanted: Cut,
    shape: Callable[[Ticket], Node],
    count: bool,
) -> Mapping[UUID, Sequence[Connection[Node]]]:
    """A page of the tickets of each customer, newest first."""
    where = [Ticket.status.in_(statuses)] + ([Ticket.priority == priority] if priority else [])
    return await pages(
        work, Ticket, Ticket.customer_id, customers, NEWEST_FIRST, wanted, shape, where=where, count=count
    )


async def of_assets(
    work: Work, assets: Sequence[UUID], *, statuses: frozenset[TicketStatus], limit: int
) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets about each asset, newest first."""
    order = (Ticket.created_at.desc(), Ticket.id.desc())
    where = [Ticket.status.in_(statuses)]
    return await work.per_parent(Ticket, Ticket.asset_id, assets, where=where, order=order, limit=limit)


async def of_assignees(
    work: Work, users: Sequence[UUID], *, statuses: frozenset[TicketStatus], limit: int, offset: int
) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets that each user has, newest first."""
    where, order = [Ticket.status.in_(statuses)], (Ticket.created_at.desc(), Ticket.id.desc())
    return await work.per_parent(
        Ticket, Ticket.assignee_id, users, where=where, order=order, limit=limit, offset=offset
    )


async def of_contacts(
    work: Work, contacts: Sequence[UUID], *, statuses: frozenset[TicketStatus], limit: int, offset: int
) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets that each contact asked for, newest first."""
    where, order = [Ticket.status.in_(statuses)], (Ticket.created_at.desc(), Ticket.id.desc())
    return await work.per_parent(
        Ticket, Ticket.contact_id, contacts, where=where, order=order, limit=limit, offset=offset
    )


async def of_parents(work: Work, parents: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Ticket]]:
    """The tickets below each ticket, oldest first."""
    return await work.per_parent(Ticket, Ticket.parent_id, parents, order=(Ticket.created_at, Ticket.id), limit=limit)


# --- watching


def tells(caller: Caller, heard: News) -> bool:
    """Whether somebody who sees a ticket may learn of this event: of internal notes, only those who may read them."""
    if heard.type != events.TicketReplied.type or "tickets:read_internal" in caller.scopes:
        return True
    return (heard.data or {}).get("kind") in (TicketMessageKind.PUBLIC_REPLY, TicketMessageKind.CUSTOMER_MESSAGE)


def of_customer(customer_id: str | None) -> Callable[[Ticket], bool] | None:
    """What tells the tickets of one customer; None means all."""
    return of_place(None, customer_id)


def of_place(queue_id: str | None, customer_id: str | None) -> Callable[[Ticket], bool] | None:
    """What tells the tickets of one queue and one customer, as far as they are named; None means all."""
    wanted = {
        name: parsed(one) for name, one in (("queue_id", queue_id), ("customer_id", customer_id)) if one is not None
    }
    if not wanted:
        return None
    return lambda ticket: all(value is not None and getattr(ticket, name) == value for name, value in wanted.items())


# --- opening and changing


async def open_ticket(
    work: Work,
    *,
    customer_id: UUID,
    title: str,
    description: str | None = None,
    type: TicketType = TicketType.INCIDENT,
    priority: TicketPriority | None = None,
    impact: TicketLevel | None = None,
    urgency: TicketLevel | None = None,
    source: TicketSource = TicketSource.API,
    contact_id: UUID | None = None,
    asset_id: UUID | None = None,
    site_id: UUID | None = None,
    contract_id: UUID | None = None,
    assignee_id: UUID | None = None,
    team_id: UUID | None = None,
    queue_id: UUID | None = None,
    category_id: UUID | None = None,
    parent_id: UUID | None = None,
    requester_email: str | None = None,
    tags: Sequence[str] = (),
    due_at: datetime | None = None,
    received_at: datetime | None = None,
) -> Ticket:
    """Open a ticket for a customer; it is NEW, or OPEN when somebody has it from the start.

    Without a priority, impact and urgency decide, then the queue. Its clocks start when we got to know of it.
    """
    await references.require(work, "Customer", customer_id, field="customerId")
    await _check_places(
        work, customer_id, contact_id=contact_id, asset_id=asset_id, site_id=site_id, contract_id=contract_id
    )
    await people.worker(work, assignee_id, customer=customer_id, field="assigneeId")
    settings = await defaults.settings(work)
    queue = await _queue(work, queue_id)
    ticket = work.add(
        Ticket(
            number=f"T-{work.at.year}-{await numbers.following(work, f'ticket-{work.at.year}'):06}",
            title=line(title, field="title"),
            description=prose(description, field="description"),
            type=type,
            status=TicketStatus.OPEN if assignee_id else TicketStatus.NEW,
            priority=priority or await _priority(work, settings, impact, urgency, contact_id, queue),
            impact=impact,
            urgency=urgency,
            source=source,
            customer_id=customer_id,
            contact_id=contact_id,
            asset_id=asset_id,
            site_id=site_id,
            contract_id=contract_id,
            assignee_id=assignee_id,
            team_id=team_id,
            queue_id=queue.id if queue else None,
            category_id=(await _category(work, category_id)),
            parent_id=(await _parent(work, parent_id, customer_id)),
            requester_email=optional_line(requester_email, field="requesterEmail", longest=320),
            tags=tagged(tags),
            due_at=due_at,
            due_at_manual=due_at is not None,
            reopen_count=0,
        )
    )
    await work.emit(_created(ticket, queue.email if queue else None), subject=ticket.id, customer=ticket.customer_id)
    await sla.began(work, ticket, at=received_at)
    return ticket


_PLACES: Final = ("contact_id", "asset_id", "site_id", "contract_id")


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Ticket:
    """Change what describes the ticket: title, description, type, contact, asset, site, category, tags, due date."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    places = {name: changes[name] for name in _PLACES if name in changes}
    await _check_places(work, ticket.customer_id, **places)
    if "category_id" in changes:
        await _category(work, changes["category_id"])
    described = ticket.title, ticket.description
    for name, value in _described(changes).items():
        setattr(ticket, name, value)
    if (ticket.title, ticket.description) != described:
        await approvals.described_anew(work, ticket)
    if "due_at" in changes:
        _due(ticket, changes["due_at"])
    if changed := tuple(sorted(to_camel(name) for name in changes)):
        await updated(work, ticket, changed)
    if "due_at" in changes:
        await sla.refresh(work, ticket)
    if "contract_id" in changes:
        await sla.retermed(work, ticket)
    return ticket


_CLEANED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "title": lambda value: line(value, field="title"),
    "description": lambda value: prose(value, field="description"),
    "tags": lambda value: tagged(value),  # noqa: PLW0108 - it is defined below
}
_AS_GIVEN: Final = frozenset({"contact_id", "asset_id", "site_id", "contract_id", "category_id", "type"})
_NEVER_ABSENT: Final = frozenset({"type", "tags"})


def _described(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a change describes anew; null leaves alone what cannot be absent."""
    named = {name: value for name, value in changes.items() if value is not None or name not in _NEVER_ABSENT}
    cleaned = {name: _CLEANED[name](value) for name, value in named.items() if name in _CLEANED}
    return cleaned | {name: value for name, value in named.items() if name in _AS_GIVEN}


async def prioritise(
    work: Work,
    id: UUID,
    priority: TicketPriority | None = None,
    impact: TicketLevel | None = None,
    urgency: TicketLevel | None = None,
    version: int | None = None,
) -> Ticket:
    """Give the ticket another priority, by name or by impact and urgency; its clocks are replayed."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if priority is None and impact is None and urgency is None:
        raise Invalid("Give a priority, or an impact and an urgency.", field="priority")
    before = ticket.priority
    ticket.impact, ticket.urgency = impact or ticket.impact, urgency or ticket.urgency
    if priority is None:
        settings = await defaults.settings(work)
        priority = await _priority(work, settings, ticket.impact, ticket.urgency, ticket.contact_id, None)
    ticket.priority = priority
    if before is not priority:
        happened = events.TicketPriorityChanged(id=ticket.id, from_=before.value, to=priority.value)
        await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)
        await sla.retermed(work, ticket)
    return ticket


async def set_due_date(work: Work, id: UUID, due_at: datetime | None, version: int | None = None) -> Ticket:
    """Say when it is due; no clock moves that date, until it is given back to the clocks by saying null."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    _due(ticket, due_at)
    await updated(work, ticket, ("dueAt",))
    await sla.refresh(work, ticket)
    return ticket


async def change_queue(work: Work, id: UUID, queue_id: UUID, version: int | None = None) -> Ticket:
    """Put the ticket into another queue; what is promised there holds from now on."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    queue = await _queue(work, queue_id)
    ticket.queue_id = queue.id if queue else None
    await updated(work, ticket, ("queueId",))
    await sla.retermed(work, ticket)
    return ticket


async def set_sub_status(work: Work, id: UUID, sub_status_id: UUID | None, version: int | None = None) -> Ticket:
    """Give the status a word of the tenant's own; one that pauses stops the clock of the resolution."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if sub_status_id is not None:
        sub_status = await work.find(SubStatus, sub_status_id)
        if sub_status is None or sub_status.archived_at is not None:
            raise NotFound("There is no sub-status with this id.", field="subStatusId")
        if sub_status.status is not ticket.status:
            raise Invalid(f"This sub-status belongs to {sub_status.status.value}.", field="subStatusId")
    ticket.sub_status_id = sub_status_id
    await updated(work, ticket, ("subStatusId",))
    await sla.moved(work, ticket)
    return ticket


async def set_sla_policy(work: Work, id: UUID, policy_id: UUID | None, version: int | None = None) -> Ticket:
    """Promise something else for this ticket than its contract, customer, queue or tenant would; null takes it back."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    if policy_id is not None and await work.find(SlaPolicy, policy_id) is None:
        raise NotFound("There is no SLA policy with this id.", field="policyId")
    ticket.sla_policy_id = policy_id
    await updated(work, ticket, ("slaPolicyId",))
    await sla.retermed(work, ticket)
    return ticket


async def updated(work: Work, ticket: Ticket, changed: tuple[str, ...]) -> None:
    """Tell that what describes a ticket was changed."""
    happened = events.TicketUpdated(id=ticket.id, changed=changed)
    await work.emit(happened, subject=ticket.id, customer=ticket.customer_id)


# --- what the above share


def tagged(tags: Sequence[str]) -> list[str]:
    """Tags in lower case, each once, in their order."""
    if len(tags) > _MOST_TAGS:
        raise Invalid(f"A ticket has at most {_MOST_TAGS} tags.", field="tags")
    return list(dict.fromkeys(line(one, field="tags", longest=50).lower() for one in tags))


def _due(ticket: Ticket, due_at: datetime | None) -> None:
    ticket.due_at, ticket.due_at_manual = due_at, due_at is not None


async def _priority(
    work: Work,
    settings: DeskSettings,
    impact: TicketLevel | None,
    urgency: TicketLevel | None,
    contact_id: UUID | None,
    queue: Queue | None,
) -> TicketPriority:
    """What impact and urgency make of it, or else the queue; an important person is heard earlier."""
    vip = await contacts.is_vip(work, contact_id)
    if impact is None and urgency is None:
        plain = queue.default_priority if queue else TicketPriority.P3
        return priorities.raised(plain) if vip else plain
    medium = TicketLevel.MEDIUM
    return priorities.of(impact or medium, urgency or medium, matrix=settings.priority_matrix, vip=vip)


async def _check_places(
    work: Work,
    customer_id: UUID,
    *,
    contact_id: UUID | None = None,
    asset_id: UUID | None = None,
    site_id: UUID | None = None,
    contract_id: UUID | None = None,
) -> None:
    """Refuse a contact, an asset, a site or a contract that is not there, or is another customer's."""
    named = (("Contact", contact_id), ("Asset", asset_id), ("Site", site_id), ("Contract", contract_id))
    for kind, identity in named:
        if identity is not None:
            field = f"{kind.lower()}Id"
            known = await references.require(work, kind, identity, field=field)
            if known.customer_id != customer_id:
                raise Invalid(f"This {kind.lower()} belongs to another customer than the ticket.", field=field)


async def _queue(work: Work, queue_id: UUID | None) -> Queue | None:
    """The queue that was named, or the one where everything waits that has no place yet."""
    if queue_id is None:
        return await defaults.queue_named(work, FIRST_QUEUE)
    queue = await work.find(Queue, queue_id)
    if queue is None or queue.archived_at is not None:
        raise NotFound("There is no queue with this id.", field="queueId")
    return queue


async def _category(work: Work, category_id: UUID | None) -> UUID | None:
    if category_id is not None:
        category = await work.find(Category, category_id)
        if category is None or category.archived_at is not None:
            raise NotFound("There is no category with this id.", field="categoryId")
    return category_id


async def _parent(work: Work, parent_id: UUID | None, customer_id: UUID) -> UUID | None:
    if parent_id is not None:
        parent = await work.find(Ticket, parent_id)
        if parent is None:
            raise NotFound("There is no ticket with this id.", field="parentId")
        if parent.customer_id != customer_id:
            raise Invalid("The parent belongs to another customer than the ticket.", field="parentId")
    return parent_id


async def answered_at(work: Work, ticket: Ticket) -> str | None:
    """The mail address at which the ticket's queue is answered."""
    queue = await work.find(Queue, ticket.queue_id) if ticket.queue_id else None
    return queue.email if queue else None


def _created(ticket: Ticket, reply_to: str | None) -> events.TicketCreated:
    return events.TicketCreated(
        id=ticket.id,
        number=ticket.number,
        title=ticket.title,
        ticket_type=ticket.type.value,
        priority=ticket.priority.value,
        customer_id=ticket.customer_id,
        contact_id=ticket.contact_id,
        asset_id=ticket.asset_id,
        queue_id=ticket.queue_id,
        source=ticket.source.value,
        reply_to=reply_to,
    )
