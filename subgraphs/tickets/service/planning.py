"""Templates, tickets that come again, and appointments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from contracts.events import tickets as events
from subgraphs.kit import jobs, references
from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Category, Queue
from subgraphs.tickets.models.planning import Appointment, RecurringTicket, TicketTemplate
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules import planning as rules
from subgraphs.tickets.rules.planning import AppointmentKind, AppointmentState
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import Move, TicketSource, TicketStatus, TicketType
from subgraphs.tickets.service import content, defaults, people
from subgraphs.tickets.service import tickets as service
from subgraphs.tickets.service.steps import step

RECUR_JOB: Final = "ticket.recur"
_LONGEST_APPOINTMENT: Final = timedelta(days=14)
_OPEN = (AppointmentState.PLANNED, AppointmentState.CONFIRMED)

# --- templates


def templates() -> Select[TicketTemplate]:
    """The templates that are in use, by name."""
    used = TicketTemplate.archived_at.is_(None)
    return select(TicketTemplate).where(used).order_by(TicketTemplate.name, TicketTemplate.id)


async def create_template(
    work: Work,
    *,
    name: str,
    title: str,
    description: str | None = None,
    type: TicketType = TicketType.SERVICE_REQUEST,
    impact: TicketLevel | None = None,
    urgency: TicketLevel | None = None,
    queue_id: UUID | None = None,
    category_id: UUID | None = None,
    tags: Sequence[str] = (),
    checklist: Sequence[Mapping[str, Any]] = (),
) -> TicketTemplate:
    """Make a template."""
    if queue_id is not None and await work.find(Queue, queue_id) is None:
        raise NotFound("There is no queue with this id.", field="queueId")
    if category_id is not None and await work.find(Category, category_id) is None:
        raise NotFound("There is no category with this id.", field="categoryId")
    row = work.add(
        TicketTemplate(
            name=line(name, field="name", longest=100),
            title=line(title, field="title"),
            description=prose(description, field="description"),
            type=type,
            impact=impact,
            urgency=urgency,
            queue_id=queue_id,
            category_id=category_id,
            tags=service.tagged(tags),
            checklist=[
                {"text": line(one["text"], field="checklist"), "required": one["required"]} for one in checklist
            ],
        )
    )
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict("There is a template with this name.", field="name") from error
    return row


async def from_template(
    work: Work,
    *,
    template_id: UUID,
    customer_id: UUID,
    contact_id: UUID | None = None,
    asset_id: UUID | None = None,
    assignee_id: UUID | None = None,
    source: TicketSource = TicketSource.MANUAL,
) -> Ticket:
    """Open the ticket that a template describes, with its steps."""
    template = await work.find(TicketTemplate, template_id)
    if template is None or template.archived_at is not None:
        raise NotFound("There is no template with this id.", field="templateId")
    ticket = await service.open_ticket(
        work,
        customer_id=customer_id,
        title=template.title,
        description=template.description,
        type=template.type,
        impact=template.impact,
        urgency=template.urgency,
        source=source,
        contact_id=contact_id,
        asset_id=asset_id,
        assignee_id=assignee_id,
        queue_id=template.queue_id,
        category_id=template.category_id,
        tags=template.tags,
    )
    ticket.template_id = template.id
    await content.add_steps(work, ticket, [(one["text"], one["required"]) for one in template.checklist])
    return ticket


# --- recurring


def recurring() -> Select[RecurringTicket]:
    """The tickets that come again, those that come next first."""
    used = RecurringTicket.archived_at.is_(None)
    return select(RecurringTicket).where(used).order_by(RecurringTicket.next_at, RecurringTicket.id)


async def create_recurring(
    work: Work,
    *,
    customer_id: UUID,
    template_id: UUID,
    rrule: str,
    starts_at: datetime,
    time_zone: str | None = None,
) -> RecurringTicket:
    """Have a template become a ticket by a schedule (RFC 5545), on the wall clock of a time zone."""
    await references.require(work, "Customer", customer_id, field="customerId")
    if await work.find(TicketTemplate, template_id) is None:
        raise NotFound("There is no template with this id.", field="templateId")
    zone = time_zone or (await defaults.settings(work)).time_zone
    calendars.zone(zone)
    rule = rules.checked_rule(rrule, starts_at, zone)
    row = work.add(
        RecurringTicket(
            customer_id=customer_id,
            template_id=template_id,
            rrule=rule,
            time_zone=zone,
            starts_at=starts_at,
            next_at=rules.following(rule, starts_at, max(work.at, starts_at - timedelta(seconds=1)), zone),
            is_paused=False,
        )
    )
    await _come_again(work, row)
    return row


async def pause_recurring(work: Work, id: UUID, *, paused: bool, version: int | None = None) -> RecurringTicket:
    """Let a recurring ticket rest, or come again; what was missed meanwhile stays missed."""
    row = await work.take(RecurringTicket, id, field="id", version=version)
    row.is_paused = paused
    row.next_at = None if paused else rules.following(row.rrule, row.starts_at, work.at, row.time_zone)
    await _come_again(work, row)
    return row


async def recur(work: Work, payload: jobs.Payload) -> None:
    """The time of a recurring ticket has come: open it, and set the next one."""
    key = {"tenant_id": work.caller.tenant, "id": UUID(payload["recurring"])}
    row = await work.session.get(RecurringTicket, key, with_for_update=True)
    due = datetime.fromisoformat(payload["at"])
    if row is None or row.is_paused or row.next_at != due:
        return
    ticket = await from_template(
        work, template_id=row.template_id, customer_id=row.customer_id, source=TicketSource.RECURRING
    )
    row.last_ticket_id = ticket.id
    row.next_at = rules.following(row.rrule, row.starts_at, max(due, work.at), row.time_zone)
    await _come_again(work, row)


async def _come_again(work: Work, row: RecurringTicket) -> None:
    if row.next_at is not None and not row.is_paused:
        payload = {"recurring": str(row.id), "at": row.next_at.isoformat()}
        await jobs.enqueue(work, RECUR_JOB, payload, at=row.next_at, key=f"{row.id}/{row.next_at.isoformat()}")


# --- appointments


async def schedule(
    work: Work,
    id: UUID,
    *,
    user_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    kind: AppointmentKind = AppointmentKind.REMOTE,
    note: str | None = None,
    version: int | None = None,
) -> Ticket:
    """Make an appointment for a ticket; it is SCHEDULED until somebody starts, and its clocks keep running."""
    ticket = await work.take(Ticket, id, field="id", version=version)
    await _appoint(work, ticket, user_id, starts_at, ends_at, kind, note)
    await step(work, ticket, Move.SCHEDULE)
    return ticket


async def appoint(
    work: Work,
    *,
    user_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    ticket_id: UUID | None = None,
    kind: AppointmentKind = AppointmentKind.REMOTE,
    note: str | None = None,
) -> Appointment:
    """Make an appointment, for a ticket or for something of our own."""
    ticket = await work.take(Ticket, ticket_id, field="ticketId") if ticket_id else None
    return await _appoint(work, ticket, user_id, starts_at, ends_at, kind, note)


async def _appoint(
    work: Work,
    ticket: Ticket | None,
    user_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    kind: AppointmentKind,
    note: str | None,
) -> Appointment:
    _check_span(starts_at, ends_at)
    await people.worker(work, user_id, customer=ticket.customer_id if ticket else None, field="userId")
    await _check_free(work, user_id, starts_at, ends_at)
    row = work.add(
        Appointment(
            user_id=user_id,
            ticket_id=ticket.id if ticket else None,
            customer_id=ticket.customer_id if ticket else None,
            starts_at=starts_at,
            ends_at=ends_at,
            kind=kind,
            state=AppointmentState.PLANNED,
            note=optional_line(note, field="note", longest=500),
        )
    )
    if ticket is not None:
        ticket.scheduled_for = starts_at
    await work.emit(events.AppointmentCreated(**_told(row)), subject=row.id, customer=row.customer_id)
    return row


async def change_appointment(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Appointment:
    """Move an appointment, or say what became of it."""
    row = await work.take(Appointment, id, field="id", version=version)
    row.state = changes.get("state") or row.state
    row.starts_at, row.ends_at = changes.get("starts_at") or row.starts_at, changes.get("ends_at") or row.ends_at
    row.user_id = changes.get("user_id") or row.user_id
    if "note" in changes:
        row.note = optional_line(changes["note"], field="note", longest=500)
    _check_span(row.starts_at, row.ends_at)
    if row.state in _OPEN:
        await _check_free(work, row.user_id, row.starts_at, row.ends_at, but=row.id)
    ticket = await work.take(Ticket, row.ticket_id, field="id") if row.ticket_id else None
    if ticket is not None and ticket.status is TicketStatus.SCHEDULED:
        ticket.scheduled_for = row.starts_at if row.state in _OPEN else None
    await work.emit(events.AppointmentChanged(**_told(row)), subject=row.id, customer=row.customer_id)
    return row


def _check_span(starts_at: datetime, ends_at: datetime) -> None:
    if not timedelta(0) < ends_at - starts_at <= _LONGEST_APPOINTMENT:
        raise Invalid("An appointment ends after it begins, within two weeks.", field="endsAt")


async def _check_free(
    work: Work, user_id: UUID, starts_at: datetime, ends_at: datetime, but: UUID | None = None
) -> None:
    query = select(Appointment.id).where(
        Appointment.user_id == user_id,
        Appointment.starts_at < ends_at,
        Appointment.ends_at > starts_at,
        Appointment.state.in_(_OPEN),
        Appointment.id != (but or UUID(int=0)),
    )
    if await work.session.scalar(query.limit(1)):
        raise Conflict("They have another appointment at that time.", field="startsAt")


def _told(row: Appointment) -> dict[str, Any]:
    same = ("id", "user_id", "ticket_id", "customer_id", "starts_at", "ends_at")
    return {name: getattr(row, name) for name in same} | {"kind": row.kind.value, "state": row.state.value}


def appointments(user_id: UUID | None, since: datetime | None, until: datetime | None) -> Select[Appointment]:
    """The appointments of a person or of everybody in a span of time, in order."""
    query = select(Appointment).order_by(Appointment.starts_at, Appointment.id)
    if user_id is not None:
        query = query.where(Appointment.user_id == user_id)
    if since is not None:
        query = query.where(Appointment.ends_at > since)
    return query if until is None else query.where(Appointment.starts_at < until)


async def appointments_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Appointment]]:
    """The appointments of each ticket, in order."""
    order = (Appointment.starts_at, Appointment.id)
    return await work.per_parent(Appointment, Appointment.ticket_id, tickets, order=order, limit=limit)
