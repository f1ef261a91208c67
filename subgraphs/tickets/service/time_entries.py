"""Time that was worked: booked, submitted, approved or sent back, and what billing made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from contracts.events import tickets as events
from contracts.events.envelope import Event
from subgraphs.kit import references
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.filters import conditions
from subgraphs.kit.paging import Order
from subgraphs.kit.separation import four_eyes
from subgraphs.kit.shapes import line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import Overlapping
from subgraphs.tickets.models.sla import BusinessCalendar
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.models.time_entries import RoundingRule, TimeEntry, Timer, WorkType
from subgraphs.tickets.rules import defaults as defaults_rules
from subgraphs.tickets.rules import time_entries as rules
from subgraphs.tickets.rules.time_entries import FIXED, EntryMove, RoundingScope, TimeEntryStatus, WorkItemType
from subgraphs.tickets.service import calendars, defaults, people, teams
from subgraphs.tickets.service.messages import something

NEWEST_FIRST = Order((TimeEntry.started_at,), descending=True)
_LONGEST_NOTE: Final = 2000
_DESCENDING = (TimeEntry.started_at.desc(), TimeEntry.id.desc())

# --- reading


def selected(wanted: Any = None) -> Select[TimeEntry]:
    """The query for the time entries of this filter."""
    query = select(TimeEntry).where(*conditions(TimeEntry, wanted))
    if wanted is None or wanted.local_date is None:
        return query
    # Days are local and lists are in the order of moments: with both, one index finds a month and has it in order.
    return query.where(*_within(*rules.moments_around(*wanted.local_date.ends())))


def _within(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    edges = (TimeEntry.started_at >= since if since else None, TimeEntry.started_at < until if until else None)
    return [one for one in edges if one is not None]


async def of_tickets(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[TimeEntry]]:
    """The time that was worked on each ticket, oldest first."""
    order = (TimeEntry.started_at, TimeEntry.id)
    return await work.per_parent(TimeEntry, TimeEntry.ticket_id, tickets, order=order, limit=limit)


async def of_customers(
    work: Work, customers: Sequence[UUID], *, since: datetime | None, until: datetime | None, limit: int
) -> Mapping[UUID, Sequence[TimeEntry]]:
    """The time that was worked for each customer, newest first."""
    where = _within(since, until)
    return await work.per_parent(
        TimeEntry, TimeEntry.customer_id, customers, where=where, order=_DESCENDING, limit=limit
    )


async def of_users(
    work: Work, users: Sequence[UUID], *, since: datetime | None, until: datetime | None, limit: int
) -> Mapping[UUID, Sequence[TimeEntry]]:
    """The time that each user worked, newest first."""
    where = _within(since, until)
    return await work.per_parent(TimeEntry, TimeEntry.user_id, users, where=where, order=_DESCENDING, limit=limit)


async def of_contracts(
    work: Work, contracts: Sequence[UUID], *, since: datetime | None, until: datetime | None, limit: int
) -> Mapping[UUID, Sequence[TimeEntry]]:
    """The time for which each contract was named, newest first."""
    where = _within(since, until)
    return await work.per_parent(
        TimeEntry, TimeEntry.contract_id, contracts, where=where, order=_DESCENDING, limit=limit
    )


async def consumed(
    work: Work, contracts: Sequence[UUID], *, since: datetime | None, until: datetime | None
) -> Mapping[UUID, Sequence[Decimal]]:
    """The charged hours for which each contract was named, times their multiples, in a list of one."""
    after = TimeEntry.charged_after_hours_minutes
    weighted = (TimeEntry.billable_minutes - after) * WorkType.multiplier + after * func.coalesce(
        WorkType.after_hours_multiplier, WorkType.multiplier
    )
    query = (
        select(TimeEntry.contract_id, func.sum(weighted))
        .join(WorkType, (WorkType.tenant_id == TimeEntry.tenant_id) & (WorkType.id == TimeEntry.work_type_id))
        .where(TimeEntry.contract_id.in_(contracts), TimeEntry.is_billable, *_within(since, until))
        .where(TimeEntry.status.in_((TimeEntryStatus.APPROVED, *FIXED)))
        .group_by(TimeEntry.contract_id)
    )
    found = {row[0]: row[1] for row in await work.session.execute(query)}
    return {one: [(Decimal(found.get(one, 0)) / 60).quantize(Decimal("0.01"))] for one in contracts}


async def timers_of(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Timer]]:
    """The timers that run on each ticket."""
    order = (Timer.started_at, Timer.id)
    return await work.per_parent(Timer, Timer.ticket_id, tickets, order=order, limit=limit)


async def mine(work: Work, *, limit: int) -> Sequence[Timer]:
    """The timers that the caller has running."""
    query = select(Timer).where(Timer.user_id == work.caller.subject).order_by(Timer.started_at, Timer.id)
    return (await work.session.scalars(query.limit(limit))).all()


def end_of(started_at: datetime, minutes: int) -> datetime:
    """The end of an entry of which only the length was given."""
    if not 0 < minutes <= 24 * 60:
        raise Invalid("minutes must be between 1 and 1440.", field="minutes")
    try:
        return started_at + timedelta(minutes=minutes)
    except OverflowError:
        raise Invalid("startedAt lies too late: no year has its end.", field="startedAt") from None


# --- booking


async def book(
    work: Work,
    *,
    started_at: datetime,
    ended_at: datetime,
    note: str,
    work_item_type: WorkItemType = WorkItemType.TICKET,
    work_item_id: UUID | None = None,
    work_type_id: UUID | None = None,
    user_id: UUID | None = None,
    customer_id: UUID | None = None,
    contract_id: UUID | None = None,
    is_billable: bool | None = None,
    travel_km: Decimal | None = None,
    internal_note: str | None = None,
    corrects_id: UUID | None = None,
    submit: bool = False,
) -> TimeEntry:
    """Write down time that was worked; for somebody else only with `time:write_others`."""
    await defaults.settings(work)
    place = await _place(work, work_item_type, work_item_id, customer_id)
    kind = await _work_type(work, work_type_id)
    entry = TimeEntry(
        user_id=await _worker(work, user_id, place.customer_id),
        work_item_type=work_item_type,
        work_item_id=place.id,
        ticket_id=place.ticket.id if place.ticket else None,
        customer_id=place.customer_id,
        contract_id=await _contract(work, contract_id, place.customer_id)
        or (place.ticket.contract_id if place.ticket else None),
        work_type_id=kind.id,
        note=line(note, field="note", longest=_LONGEST_NOTE),
        internal_note=prose(internal_note, field="internalNote"),
        travel_km=_travel(travel_km),
        is_billable=kind.default_billable if is_billable is None else is_billable,
        status=TimeEntryStatus.DRAFT,
        corrects_id=await _corrected(work, corrects_id),
    )
    work.add(entry)
    await _measure(work, entry, kind, started_at, ended_at)
    await _tell(work, entry, events.TimeEntryBooked(**await _facts(work, entry)))
    if submit:
        await _submit(work, entry)
    return entry


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> TimeEntry:
    """Change a draft, or an entry that was sent back, which is a draft from then on."""
    entry = await work.take(TimeEntry, id, field="id", version=version)
    entry.status = rules.moved(EntryMove.REVISE, entry.status)
    _check_owner(work, entry)
    if "note" in changes:
        entry.note = line(changes["note"], field="note", longest=_LONGEST_NOTE)
    if "internal_note" in changes:
        entry.internal_note = prose(changes["internal_note"], field="internalNote")
    if "travel_km" in changes:
        entry.travel_km = _travel(changes["travel_km"])
    if changes.get("is_billable") is not None:
        entry.is_billable = changes["is_billable"]
    if "contract_id" in changes:
        entry.contract_id = await _contract(work, changes["contract_id"], entry.customer_id)
    kind = await _work_type(work, changes.get("work_type_id") or entry.work_type_id)
    entry.work_type_id, entry.rejection = kind.id, None
    started, ended = changes.get("started_at") or entry.started_at, changes.get("ended_at") or entry.ended_at
    await _measure(work, entry, kind, started, ended)
    await _tell(work, entry, events.TimeEntryBooked(**await _facts(work, entry)))
    return entry


async def submit(work: Work, id: UUID, version: int | None = None) -> TimeEntry:
    """Give an entry for approval."""
    entry = await work.take(TimeEntry, id, field="id", version=version)
    _check_owner(work, entry)
    await _submit(work, entry)
    return entry


async def approve(work: Work, id: UUID, version: int | None = None) -> TimeEntry:
    """Approve an entry of somebody else; what overlaps with another entry of theirs must be corrected first."""
    entry = await work.take(TimeEntry, id, field="id", version=version)
    await _check_team(work, entry)
    entry.status = rules.moved(EntryMove.APPROVE, entry.status)
    four_eyes(work, entry.user_id, entry.created_by, field="id")
    if other := await overlapping(work, entry):
        raise Overlapping(
            f"From {other.started_at:%Y-%m-%d %H:%M} to {other.ended_at:%H:%M} UTC the same person worked on something else.",
            field="id",
        )
    kind = await _work_type(work, entry.work_type_id)
    await _measure(work, entry, kind, entry.started_at, entry.ended_at)
    entry.decided_at, entry.decided_by = work.at, work.caller.subject
    approved = events.TimeEntryApproved(**await _facts(work, entry), approved_by=work.caller.subject)
    await _tell(work, entry, approved)
    return entry


async def reject(work: Work, id: UUID, reason: str, version: int | None = None) -> TimeEntry:
    """Send an entry back, and say why."""
    entry = await work.take(TimeEntry, id, field="id", version=version)
    await _check_team(work, entry)
    entry.status = rules.moved(EntryMove.REJECT, entry.status)
    entry.rejection = something(reason, field="reason")
    entry.decided_at, entry.decided_by = work.at, work.caller.subject
    await _tell(work, entry, events.TimeEntryRejected(**await _facts(work, entry), reason=entry.rejection))
    return entry


async def overlapping(work: Work, entry: TimeEntry) -> TimeEntry | None:
    """Another entry of the same person at the same time, that was not sent back."""
    query = select(TimeEntry).where(
        TimeEntry.user_id == entry.user_id,
        TimeEntry.id != entry.id,
        TimeEntry.started_at < entry.ended_at,
        TimeEntry.ended_at > entry.started_at,
        TimeEntry.status != TimeEntryStatus.REJECTED,
    )
    found: TimeEntry | None = await work.session.scalar(query.order_by(TimeEntry.started_at, TimeEntry.id).limit(1))
    return found if found is None or found.id != entry.corrects_id else None


# --- timers


async def start_timer(work: Work, ticket_id: UUID) -> Timer:
    """Start the clock of one's own work on a ticket; one that runs there already goes on."""
    ticket = await work.find(Ticket, ticket_id)
    if ticket is None:
        raise NotFound("There is no ticket with this id.", field="ticketId")
    found = await work.session.scalar(_timer(work, ticket_id))
    if found is not None:
        return found
    return work.add(
        Timer(user_id=work.caller.subject, ticket_id=ticket.id, customer_id=ticket.customer_id, started_at=work.at)
    )


async def stop_timer(
    work: Work, *, ticket_id: UUID, note: str, work_type_id: UUID | None = None, is_billable: bool | None = None
) -> TimeEntry:
    """Stop one's own clock, and book what it counted."""
    timer = await work.session.scalar(_timer(work, ticket_id).with_for_update())
    if timer is None:
        raise NotFound("No timer of yours runs on this ticket.", field="ticketId")
    await work.session.delete(timer)
    return await book(
        work,
        started_at=timer.started_at,
        ended_at=work.at,
        note=note,
        work_item_id=ticket_id,
        work_type_id=work_type_id,
        is_billable=is_billable,
    )


def _timer(work: Work, ticket_id: UUID) -> Select[Timer]:
    return select(Timer).where(Timer.user_id == work.caller.subject, Timer.ticket_id == ticket_id)


# --- measuring


async def _measure(work: Work, entry: TimeEntry, kind: WorkType, started: datetime, ended: datetime) -> None:
    """Fill in what follows from when it was: minutes worked, after hours, and charged."""
    entry.started_at, entry.ended_at = started, ended
    entry.actual_minutes = rules.worked(started, ended, now=work.at)
    settings = await defaults.settings(work)
    entry.local_date = rules.local_day(started, settings.time_zone)
    calendar = await _after_hours_calendar(work, kind)
    entry.after_hours_minutes = rules.after_hours(started, ended, calendars.calendar(calendar) if calendar else None)
    rule = await _rounding(work)
    entry.rounding_rule_id = rule.id if rule else None
    entry.billable_minutes = await _charged(work, entry, _rule(rule)) if entry.is_billable else 0
    parts = rules.segments(
        entry.actual_minutes,
        entry.after_hours_minutes,
        entry.billable_minutes,
        multiplier=kind.multiplier,
        after_hours_multiplier=kind.after_hours_multiplier or kind.multiplier,
    )
    entry.charged_after_hours_minutes = sum(part.minutes for part in parts if part.after_hours)


async def _charged(work: Work, entry: TimeEntry, rule: rules.RoundingRule) -> int:
    """The charged minutes of an entry, alone or together with those of its ticket and day that came before."""
    if rule.scope is RoundingScope.PER_ENTRY or entry.ticket_id is None:
        return rules.billable(entry.actual_minutes, rule)
    query = select(TimeEntry.id, TimeEntry.actual_minutes).where(
        TimeEntry.ticket_id == entry.ticket_id,
        TimeEntry.local_date == entry.local_date,
        TimeEntry.is_billable,
        TimeEntry.status != TimeEntryStatus.REJECTED,
        TimeEntry.id < entry.id,
    )
    before = [row.actual_minutes for row in await work.session.execute(query.order_by(TimeEntry.id))]
    return rules.billable_of_day([*before, entry.actual_minutes], rule)[-1]


async def _rounding(work: Work) -> RoundingRule | None:
    found: RoundingRule | None = await work.session.scalar(select(RoundingRule).where(RoundingRule.is_default))
    return found


def _rule(row: RoundingRule | None) -> rules.RoundingRule:
    if row is None:
        return rules.RoundingRule()
    return rules.RoundingRule(row.increment_min, row.minimum_min, row.mode, row.grace_min, row.scope)


async def _after_hours_calendar(work: Work, kind: WorkType) -> BusinessCalendar | None:
    return await work.find(BusinessCalendar, kind.after_hours_calendar_id) if kind.after_hours_calendar_id else None


# --- checking


@dataclass(frozen=True, slots=True)
class _Place:
    """What time is worked for."""

    id: UUID | None
    customer_id: UUID | None
    ticket: Ticket | None = None


async def _place(work: Work, type: WorkItemType, identity: UUID | None, customer_id: UUID | None) -> _Place:
    if type is WorkItemType.INTERNAL:
        return _Place(None, None)
    if identity is None:
        raise Invalid(f"Say for which {type.value.lower()} it was.", field="workItemId")
    if type is WorkItemType.TICKET:
        ticket = await work.find(Ticket, identity)
        if ticket is None:
            raise NotFound("There is no ticket with this id.", field="workItemId")
        return _Place(identity, ticket.customer_id, ticket)
    if type is WorkItemType.CUSTOMER:
        await references.require(work, "Customer", identity, field="workItemId")
        return _Place(identity, identity)
    if customer_id is not None:
        await references.require(work, "Customer", customer_id, field="customerId")
    return _Place(identity, customer_id)


async def _contract(work: Work, contract_id: UUID | None, customer_id: UUID | None) -> UUID | None:
    """A contract of the customer for whom the work was done."""
    if contract_id is not None:
        known = await references.require(work, "Contract", contract_id, field="contractId")
        if known.customer_id != customer_id:
            raise Invalid("This contract belongs to another customer.", field="contractId")
    return contract_id


async def _worker(work: Work, user_id: UUID | None, customer: UUID | None) -> UUID:
    if user_id is not None and user_id != work.caller.subject:
        work.caller.require("time:write_others")
        await people.worker(work, user_id, customer=customer, field="userId")
    return user_id or work.caller.subject


async def _check_team(work: Work, entry: TimeEntry) -> None:
    """Who approves for their teams decides about the time of these people, and of nobody else."""
    narrowed = "time:approve" in work.caller.narrowed
    if narrowed and not await teams.mates(work, work.caller.subject, entry.user_id):
        raise Forbidden("They belong to none of your teams.", field="id")


def _check_owner(work: Work, entry: TimeEntry) -> None:
    """One's own entries are one's own business; those of others need a permission of their own."""
    if entry.user_id != work.caller.subject and not work.caller.holds("time:write_others"):
        raise Forbidden("This is somebody else's time.", field="id")


async def _work_type(work: Work, work_type_id: UUID | None) -> WorkType:
    if work_type_id is None:
        usual = (WorkType.key != defaults_rules.WORK_TYPE, WorkType.default_billable.desc(), WorkType.created_at)
        query = select(WorkType).where(WorkType.archived_at.is_(None)).order_by(*usual, WorkType.id)
        found = await work.session.scalar(query.limit(1))
    else:
        found = await work.find(WorkType, work_type_id)
    if found is None:
        raise NotFound("There is no work type with this id.", field="workTypeId")
    return found


async def _corrected(work: Work, corrects_id: UUID | None) -> UUID | None:
    if corrects_id is not None and await work.find(TimeEntry, corrects_id) is None:
        raise NotFound("There is no time entry with this id.", field="correctsId")
    return corrects_id


def _travel(kilometres: Decimal | None) -> Decimal | None:
    if kilometres is not None and not 0 <= kilometres <= 9999:
        raise Invalid("travelKm must be between 0 and 9999.", field="travelKm")
    return kilometres


# --- telling


async def _submit(work: Work, entry: TimeEntry) -> None:
    entry.status = rules.moved(EntryMove.SUBMIT, entry.status)
    entry.submitted_at = work.at
    await _tell(work, entry, events.TimeEntrySubmitted(**await _facts(work, entry)))


async def _tell(work: Work, entry: TimeEntry, happened: Event) -> None:
    await work.emit(happened, subject=entry.id, customer=entry.customer_id)


async def _facts(work: Work, entry: TimeEntry) -> dict[str, Any]:
    """What every event about an entry says."""
    ticket = await work.find(Ticket, entry.ticket_id) if entry.ticket_id else None
    kind = await work.find(WorkType, entry.work_type_id)
    same = (
        "id", "user_id", "customer_id", "work_type_id", "started_at", "ended_at", "actual_minutes", "billable_minutes",
        "after_hours_minutes", "charged_after_hours_minutes", "is_billable", "contract_id", "travel_km", "note", "corrects_id",
    )  # fmt: skip
    return {name: getattr(entry, name) for name in same} | {
        "work_item": events.WorkItem(type=entry.work_item_type.value, id=entry.work_item_id),
        "work_type_key": kind.key if kind else "",
        "service_date": entry.local_date,
        "multiplier": kind.multiplier if kind else Decimal(1),
        "after_hours_multiplier": kind.after_hours_multiplier if kind else None,
        "asset_id": ticket.asset_id if ticket else None,
        "site_id": ticket.site_id if ticket else None,
        "ticket_number": ticket.number if ticket else None,
        "ticket_type": ticket.type.value if ticket else None,
    }
