"""Time by GraphQL: booking, approving, timers, kinds of work and rounding."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.errors import Invalid
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets.models import time_entries as models
from subgraphs.tickets.rules.time_entries import RoundingMode, RoundingScope, WorkItemType
from subgraphs.tickets.service import defaults, work_types
from subgraphs.tickets.service import time_entries as service
from subgraphs.tickets.types.time_entries import (
    READ,
    TICKETS_READ,
    RoundingRule,
    RoundingRulePayload,
    TicketTimer,
    TicketTimerPayload,
    TimeEntry,
    TimeEntryFilter,
    TimeEntryPayload,
    WorkType,
    WorkTypePayload,
)

WRITE = "time:write"
APPROVE = "time:approve"
RATES = "rates:write"


@strawberry.type
class TimeQuery:
    """What can be asked about time."""

    @strawberry.field
    async def time_entry(self, info: Info, id: strawberry.ID) -> TimeEntry | None:
        """One time entry; null when it is not there or not yours."""
        row = await info.context.row(models.TimeEntry, id, READ)
        return TimeEntry.of(row) if row else None

    @strawberry.field
    async def time_entries(
        self, info: Info, filter: TimeEntryFilter | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[TimeEntry]:
        """Time that was worked, newest first."""
        order = (models.TimeEntry.started_at.desc(), models.TimeEntry.id.desc())
        query = service.selected(filter).order_by(*order).limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query)).all()
        return [TimeEntry.of(row) for row in rows]

    @strawberry.field
    async def time_entries_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: TimeEntryFilter | None = None,
    ) -> Connection[TimeEntry]:
        """Time that was worked page by page, newest first."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(filter)
        async with info.context.work(READ) as work:
            return await page(
                work, query, models.TimeEntry, service.NEWEST_FIRST, wanted, TimeEntry.of, count=counts(info)
            )

    @strawberry.field
    async def my_timers(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketTimer]:
        """The timers that I have running."""
        async with info.context.work(READ) as work:
            rows = await service.mine(work, limit=bounded(limit))
        return [TicketTimer.of(row) for row in rows]

    @strawberry.field
    async def work_types(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[WorkType]:
        """The kinds of work, by name."""
        query = work_types.work_types().limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(TICKETS_READ) as work:
            await defaults.settings(work)
            rows = (await work.session.scalars(query)).all()
        return [WorkType.of(row) for row in rows]

    @strawberry.field
    async def rounding_rules(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[RoundingRule]:
        """The rules of rounding, by name."""
        query = work_types.rounding_rules().limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(READ) as work:
            await defaults.settings(work)
            rows = (await work.session.scalars(query)).all()
        return [RoundingRule.of(row) for row in rows]


@strawberry.input
class WorkItemInput:
    """What time was worked for."""

    type: WorkItemType = WorkItemType.TICKET
    """Its kind."""
    id: strawberry.ID | None = None
    """Which one; absent for work for ourselves."""


@strawberry.input
class BookTimeInput(Command):
    """Time that was worked: name a ticket, or another work item."""

    ticket_id: strawberry.ID | None = None
    """The ticket; short for a work item of this type."""
    work_item: WorkItemInput | None = None
    """What it was for, when it was no ticket."""
    started_at: datetime
    """When it began."""
    ended_at: datetime | None = None
    """When it ended; or give the minutes."""
    minutes: int | None = None
    """How long it was, when its end is not given."""
    note: str
    """What was done, in words for the invoice."""
    internal_note: str | None = None
    """What is worth knowing among us."""
    work_type_id: strawberry.ID | None = None
    """The kind of work; `remote` when absent."""
    user_id: strawberry.ID | None = None
    """Who worked; whoever asks when absent."""
    customer_id: strawberry.ID | None = None
    """The customer, for a task of a project."""
    contract_id: strawberry.ID | None = None
    """The contract that shall pay."""
    is_billable: bool | None = None
    """Whether it is meant to be charged; as the kind of work says when absent."""
    travel_km: Decimal | None = None
    """How far somebody went."""
    corrects_id: strawberry.ID | None = None
    """The billed entry that this one corrects."""
    submit: bool = False
    """Whether to give it for approval at once."""


@strawberry.input
class UpdateTimeInput(Change):
    """Changes to an entry that is a draft or was sent back; what is absent stays."""

    id: strawberry.ID
    """The entry."""
    started_at: datetime | None = strawberry.UNSET
    """When it began."""
    ended_at: datetime | None = strawberry.UNSET
    """When it ended."""
    note: str | None = strawberry.UNSET
    """What was done, in words for the invoice."""
    internal_note: str | None = strawberry.UNSET
    """What is worth knowing among us; null removes it."""
    work_type_id: strawberry.ID | None = strawberry.UNSET
    """The kind of work."""
    contract_id: strawberry.ID | None = strawberry.UNSET
    """The contract that shall pay; null removes it."""
    is_billable: bool | None = strawberry.UNSET
    """Whether it is meant to be charged."""
    travel_km: Decimal | None = strawberry.UNSET
    """How far somebody went; null removes it."""


@strawberry.input
class SubmitTimeInput(Change):
    """An entry to be approved."""

    id: strawberry.ID
    """The entry."""


@strawberry.input
class ApproveTimeInput(Change):
    """An entry that is right."""

    id: strawberry.ID
    """The entry."""


@strawberry.input
class RejectTimeInput(Change):
    """An entry that is not right."""

    id: strawberry.ID
    """The entry."""
    reason: str
    """What is wrong."""


@strawberry.input
class StartTimerInput(Command):
    """A ticket that somebody begins to work on."""

    ticket_id: strawberry.ID
    """The ticket."""


@strawberry.input
class StopTimerInput(Command):
    """A ticket that somebody stops to work on."""

    ticket_id: strawberry.ID
    """The ticket."""
    note: str
    """What was done, in words for the invoice."""
    work_type_id: strawberry.ID | None = None
    """The kind of work; `remote` when absent."""
    is_billable: bool | None = None
    """Whether it is meant to be charged; as the kind of work says when absent."""


@strawberry.input
class CreateWorkTypeInput(Command):
    """A new kind of work."""

    name: str
    """What people will call it."""
    key: str | None = None
    """A word for programs; made of the name when absent."""
    multiplier: Decimal = Decimal(1)
    """The multiple of the rate."""
    default_billable: bool = True
    """Whether it is charged unless somebody says otherwise."""
    includes_travel: bool = False
    """Whether somebody goes there."""
    after_hours_calendar_id: strawberry.ID | None = None
    """What lies outside of this calendar is after hours."""
    after_hours_multiplier: Decimal | None = None
    """The multiple of the rate after hours."""


@strawberry.input
class UpdateWorkTypeInput(Change):
    """Changes to a kind of work; what is absent stays."""

    id: strawberry.ID
    """The kind of work."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    multiplier: Decimal | None = strawberry.UNSET
    """The multiple of the rate."""
    default_billable: bool | None = strawberry.UNSET
    """Whether it is charged unless somebody says otherwise."""
    includes_travel: bool | None = strawberry.UNSET
    """Whether somebody goes there."""
    after_hours_calendar_id: strawberry.ID | None = strawberry.UNSET
    """What lies outside of this calendar is after hours; null removes it."""
    after_hours_multiplier: Decimal | None = strawberry.UNSET
    """The multiple of the rate after hours; null removes it."""


@strawberry.input
class SetRoundingInput(Command):
    """How minutes are rounded from now on."""

    name: str
    """What people will call it."""
    increment_min: int = 15
    """The minutes of one step."""
    minimum_min: int = 15
    """The least that is charged."""
    mode: RoundingMode = RoundingMode.UP
    """Which way it rounds."""
    grace_min: int = 0
    """So many minutes into a step are given away."""
    scope: RoundingScope = RoundingScope.PER_ENTRY
    """What is rounded as one."""


@strawberry.type
class TimeMutation:
    """What can be done with time."""

    @command(WRITE, TimeEntryPayload)
    async def book_time(work: Work, input: BookTimeInput) -> models.TimeEntry:
        """Write down time that was worked."""
        return await service.book(work, **_booked(input))

    @command(WRITE, TimeEntryPayload)
    async def update_time(work: Work, input: UpdateTimeInput) -> models.TimeEntry:
        """Change an entry that is a draft or was sent back."""
        return await service.change(work, **given(input))

    @command(WRITE, TimeEntryPayload)
    async def submit_time(work: Work, input: SubmitTimeInput) -> models.TimeEntry:
        """Give an entry for approval."""
        return await service.submit(work, **given(input))

    @command(APPROVE, TimeEntryPayload)
    async def approve_time(work: Work, input: ApproveTimeInput) -> models.TimeEntry:
        """Approve an entry of somebody else; it may be billed from then on."""
        return await service.approve(work, **given(input))

    @command(APPROVE, TimeEntryPayload)
    async def reject_time(work: Work, input: RejectTimeInput) -> models.TimeEntry:
        """Send an entry back to whoever wrote it."""
        return await service.reject(work, **given(input))

    @command(WRITE, TicketTimerPayload)
    async def start_timer(work: Work, input: StartTimerInput) -> models.Timer:
        """Start the clock of your work on a ticket."""
        return await service.start_timer(work, **given(input))

    @command(WRITE, TimeEntryPayload)
    async def stop_timer(work: Work, input: StopTimerInput) -> models.TimeEntry:
        """Stop the clock of your work on a ticket, and book what it counted."""
        return await service.stop_timer(work, **given(input))

    @command(RATES, WorkTypePayload)
    async def create_work_type(work: Work, input: CreateWorkTypeInput) -> models.WorkType:
        """Make a kind of work."""
        return await work_types.create(work, **given(input))

    @command(RATES, WorkTypePayload)
    async def update_work_type(work: Work, input: UpdateWorkTypeInput) -> models.WorkType:
        """Change a kind of work."""
        return await work_types.change(work, **given(input))

    @command(RATES, RoundingRulePayload)
    async def set_rounding(work: Work, input: SetRoundingInput) -> models.RoundingRule:
        """Decide how minutes are rounded from now on."""
        return await work_types.round_by(work, **given(input))


def _booked(entered: BookTimeInput) -> dict[str, Any]:
    """The arguments for an entry: its end from its length, its work item from its ticket."""
    values = given(entered)
    item, ticket, minutes = values.pop("work_item"), values.pop("ticket_id"), values.pop("minutes")
    if (item is None) == (ticket is None):
        raise Invalid("Name a ticket, or another work item; not both.", field="ticketId")
    if item is not None:
        values |= {"work_item_type": item.type, "work_item_id": given(item)["id"]}
    else:
        values["work_item_id"] = ticket
    if (values["ended_at"] is None) == (minutes is None):
        raise Invalid("Give the end, or the minutes; not both.", field="endedAt")
    if minutes is not None:
        values["ended_at"] = service.end_of(entered.started_at, minutes)
    return values
