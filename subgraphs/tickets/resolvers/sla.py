"""Service levels by GraphQL: calendars, policies, clocks and explanations."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.values import raw
from subgraphs.kit.work import Work
from subgraphs.tickets.models import sla as models
from subgraphs.tickets.rules.sla import SlaMetric
from subgraphs.tickets.rules.tickets import TicketPriority
from subgraphs.tickets.service import calendars, defaults, policies, sla
from subgraphs.tickets.service import tickets as tickets_service
from subgraphs.tickets.types.sla import (
    READ,
    SLA_READ,
    BusinessCalendar,
    BusinessCalendarPayload,
    SlaClock,
    SlaExplanation,
    SlaPolicy,
    SlaPolicyPayload,
)

SLA_WRITE = "sla:write"


@strawberry.type
class SlaQuery:
    """What can be asked about service levels."""

    @strawberry.field
    async def business_calendars(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[BusinessCalendar]:
        """The calendars of the desk, by name."""
        async with info.context.work(SLA_READ) as work:
            await defaults.settings(work)
            rows = await calendars.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [BusinessCalendar.of(row) for row in rows]

    @strawberry.field
    async def sla_policies(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[SlaPolicy]:
        """What can be promised, by name."""
        async with info.context.work(SLA_READ) as work:
            await defaults.settings(work)
            rows = await policies.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [SlaPolicy.of(row) for row in rows]

    @strawberry.field
    async def sla_clocks_due(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[SlaClock]:
        """The promises that are broken or due next, the worst first."""
        async with info.context.work(READ) as work:
            rows = await sla.broken(work, limit=bounded(limit), offset=skipped(offset))
            shown = await sla.clocks_of(work, list({row.ticket_id for row in rows}))
        by_id = {one.row.id: one for many in shown.values() for one in many}
        return [SlaClock.of(by_id[row.id]) for row in rows if row.id in by_id]

    @strawberry.field(directives=(Rest(path="/tickets/{id}/sla-explanation"),))  # type: ignore[untyped-decorator]
    async def explain_sla(self, info: Info, ticket_id: strawberry.ID) -> SlaExplanation | None:
        """Why the clocks of a ticket, named by its UUID or number, say what they say; null when there is none for you."""
        async with info.context.work(READ) as work:
            ticket = await tickets_service.find(work, ticket_id)
            if ticket is None:
                return None
            chosen = await sla.choice(work, ticket)
            story = (await sla.told_of(work, [ticket.id]))[ticket.id][0]
            shown = (await sla.clocks_of(work, [ticket.id]))[ticket.id]
        return SlaExplanation(
            ticket_id=strawberry.ID(str(ticket.id)),
            because=chosen.because,
            policy_id=strawberry.ID(str(chosen.policy)) if chosen.policy else None,
            story=story,
            clocks_shown=list(shown),
        )


@strawberry.input
class BusinessWindowInput:
    """Working hours of one weekday."""

    weekday: int
    """1 is Monday, 7 is Sunday."""
    from_: str = strawberry.field(name="from", description="When work begins, on the wall clock: 08:00.")
    to: str
    """When work ends: 17:00; at or before the beginning means on the next day."""


@strawberry.input
class HolidayInput:
    """A day off."""

    date: date
    """The day."""
    name: str
    """What it is called."""


@strawberry.input
class CreateCalendarInput(Command):
    """A new calendar."""

    name: str
    """What people will call it."""
    time_zone: str = "Europe/Berlin"
    """The time zone of its wall clock, as IANA names it."""
    weekly: list[BusinessWindowInput] | None = None
    """The working hours; not needed when it goes around the clock."""
    holidays: list[HolidayInput] | None = None
    """Days off beside those of the region."""
    holiday_region: str | None = None
    """The region whose public holidays are days off, as ISO 3166 writes it: DE-BY."""
    is24x7: bool = False
    """Whether it goes around the clock, holidays included."""


@strawberry.input
class UpdateCalendarInput(Change):
    """Changes to a calendar, from now on; what is absent stays."""

    id: strawberry.ID
    """The calendar."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    time_zone: str | None = strawberry.UNSET
    """The time zone of its wall clock, as IANA names it."""
    weekly: list[BusinessWindowInput] | None = strawberry.UNSET
    """All working hours."""
    holidays: list[HolidayInput] | None = strawberry.UNSET
    """All days off beside those of the region."""
    holiday_region: str | None = strawberry.UNSET
    """The region whose public holidays are days off; null removes it."""
    is24x7: bool | None = strawberry.UNSET
    """Whether it goes around the clock."""


@strawberry.input
class ImportHolidaysInput(Change):
    """Public holidays to be written into a calendar."""

    calendar_id: strawberry.ID
    """The calendar."""
    region: str
    """A country or one of its regions, as ISO 3166 writes it: DE-BY."""
    years: list[int]
    """The years, 1 to 20 of them."""


@strawberry.input
class SlaTargetInput:
    """What is promised for one priority."""

    priority: TicketPriority
    """The priority that it holds for."""
    metric: SlaMetric
    """FIRST_RESPONSE or RESOLUTION."""
    minutes: int
    """Within how many minutes of the calendar."""
    calendar_id: strawberry.ID | None = None
    """Another calendar than the policy's: P1 around the clock."""


@strawberry.input
class CreateSlaPolicyInput(Command):
    """A new SLA policy."""

    name: str
    """What people will call it."""
    calendar_id: strawberry.ID
    """The calendar in which its clocks run."""
    targets: list[SlaTargetInput]
    """What is promised for each priority."""
    update_target_minutes: int | None = None
    """Within how many minutes of the calendar the customer hears from us again."""
    pause_on_vendor: bool = False
    """Whether the clock of the resolution stands still while a vendor has to act."""
    warn_at: list[int] | None = None
    """The percentages at which somebody is warned; 50, 75 and 90 when absent."""
    is_default: bool = False
    """Whether it holds where nothing else is agreed; it takes that from another."""


@strawberry.input
class UpdateSlaPolicyInput(Change):
    """Changes to an SLA policy, from now on; running clocks are replayed. What is absent stays."""

    id: strawberry.ID
    """The policy."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    calendar_id: strawberry.ID | None = strawberry.UNSET
    """The calendar in which its clocks run."""
    targets: list[SlaTargetInput] | None = strawberry.UNSET
    """All that is promised."""
    update_target_minutes: int | None = strawberry.UNSET
    """Within how many minutes the customer hears from us again; null promises nothing."""
    pause_on_vendor: bool | None = strawberry.UNSET
    """Whether the clock of the resolution stands still while a vendor has to act."""
    warn_at: list[int] | None = strawberry.UNSET
    """The percentages at which somebody is warned."""
    is_default: bool | None = strawberry.UNSET
    """True makes it the one that holds where nothing else is agreed."""


@strawberry.input
class AssignSlaPolicyInput(Command):
    """To whom a policy is promised: name one."""

    policy_id: strawberry.ID
    """The policy."""
    contract_id: strawberry.ID | None = None
    """The contract in which it is agreed."""
    customer_id: strawberry.ID | None = None
    """The customer with whom it is agreed."""
    queue_id: strawberry.ID | None = None
    """The queue for which it holds."""


@strawberry.type
class SlaMutation:
    """What can be done about service levels."""

    @command(SLA_WRITE, BusinessCalendarPayload)
    async def create_calendar(work: Work, input: CreateCalendarInput) -> models.BusinessCalendar:
        """Make a calendar in which clocks can run."""
        await defaults.settings(work)
        return await calendars.create(work, **_calendar(input))

    @command(SLA_WRITE, BusinessCalendarPayload)
    async def update_calendar(work: Work, input: UpdateCalendarInput) -> models.BusinessCalendar:
        """Change a calendar from now on; the clocks of open tickets are replayed in it."""
        row = await calendars.change(work, **_calendar(input))
        await policies.replay_later(work)
        return row

    @command(SLA_WRITE, BusinessCalendarPayload)
    async def import_holidays(work: Work, input: ImportHolidaysInput) -> models.BusinessCalendar:
        """Write the public holidays of a region into a calendar, beside those that it has."""
        row = await calendars.import_holidays(
            work, _required(input.calendar_id), input.region, input.years, version=input.version
        )
        await policies.replay_later(work)
        return row

    @command(SLA_WRITE, SlaPolicyPayload)
    async def create_sla_policy(work: Work, input: CreateSlaPolicyInput) -> models.SlaPolicy:
        """Make an SLA policy."""
        await defaults.settings(work)
        return await policies.create(work, **_policy(input))

    @command(SLA_WRITE, SlaPolicyPayload)
    async def update_sla_policy(work: Work, input: UpdateSlaPolicyInput) -> models.SlaPolicy:
        """Change what a policy promises; the clocks of open tickets are replayed under it."""
        return await policies.change(work, **_policy(input))

    @command(SLA_WRITE, SlaPolicyPayload)
    async def assign_sla_policy(work: Work, input: AssignSlaPolicyInput) -> models.SlaPolicy:
        """Promise a policy to a contract, a customer or a queue; the clocks of open tickets are replayed."""
        await defaults.settings(work)
        return await policies.assign(work, **given(input))


def _calendar(entered: Any) -> dict[str, Any]:
    """The arguments for a calendar, its parts as they are stored."""
    values = given(entered)
    if values.get("weekly") is not None:
        values["weekly"] = [{"weekday": one.weekday, "from": one.from_, "to": one.to} for one in values["weekly"]]
    if values.get("holidays") is not None:
        values["holidays"] = [{"date": one.date.isoformat(), "name": one.name} for one in values["holidays"]]
    return {name: value for name, value in values.items() if value is not None or name == "holiday_region"}


def _policy(entered: Any) -> dict[str, Any]:
    """The arguments for a policy, its targets as they are stored."""
    values = given(entered)
    if values.get("targets") is not None:
        values["targets"] = [_target(one) for one in values["targets"]]
    return values


def _target(entered: SlaTargetInput) -> dict[str, Any]:
    values = {name: raw(value) for name, value in dataclasses.asdict(entered).items()}
    calendar = parsed(str(values["calendar_id"])) if values["calendar_id"] else None
    wrong = values["calendar_id"] is not None and calendar is None
    return {
        "priority": values["priority"],
        "metric": values["metric"],
        "minutes": values["minutes"],
        "calendarId": str(calendar) if calendar else "00000000-0000-0000-0000-000000000000" if wrong else None,
    }


def _required(identity: strawberry.ID) -> Any:
    return parsed(str(identity))
