"""Service levels in the graph: calendars, policies, clocks, and why a clock says what it says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models import sla as sla_models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules import sla_explained
from subgraphs.tickets.rules.sla import (
    Clock,
    Condition,
    SlaBreachReason,
    SlaClockState,
    SlaIntervalKind,
    SlaMetric,
)
from subgraphs.tickets.rules.tickets import TicketPriority
from subgraphs.tickets.service import calendars, sla

READ = "tickets:read"
SLA_READ = "sla:read"

for spoken in (SlaBreachReason, SlaClockState, SlaIntervalKind, SlaMetric):
    strawberry.enum(spoken)
strawberry.enum(Condition, name="SlaCause")

if TYPE_CHECKING:
    from subgraphs.tickets.types.tickets import Ticket

LazyTicket = Annotated["Ticket", strawberry.lazy("subgraphs.tickets.types.tickets")]

Year = Annotated[int | None, strawberry.argument(description="The year; this one when absent.")]


@strawberry.type
class BusinessWindow:
    """Working hours of one weekday."""

    weekday: int
    """1 is Monday, 7 is Sunday."""
    from_: str = strawberry.field(name="from", description="When work begins, on the wall clock: 08:00.")
    to: str
    """When work ends; at or before the beginning means on the next day."""


@strawberry.type
class Holiday:
    """A day off."""

    date: date
    """The day."""
    name: str
    """What it is called."""


@entity(keys=["id"])
class BusinessCalendar:
    """When a desk is at work: the time in which clocks run."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    time_zone: str
    """The time zone of its wall clock, as IANA names it."""
    holiday_region: str | None
    """The region whose public holidays are days off, as ISO 3166 writes it: DE-BY."""
    is24x7: bool
    """Whether it goes around the clock."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[Any]

    @strawberry.field
    def weekly(self, limit: Limit = DEFAULT_LIMIT) -> list[BusinessWindow]:
        """The working hours, by weekday."""
        windows = [
            BusinessWindow(weekday=one["weekday"], from_=one["from"], to=one["to"]) for one in self.stored.weekly
        ]
        return sorted(windows, key=lambda one: (one.weekday, one.from_))[: bounded(limit)]

    @strawberry.field
    def holidays(self, info: Info, year: Year = None, limit: Limit = DEFAULT_LIMIT) -> list[Holiday]:
        """The days off of a year: those of the region, and those that were written in by hand."""
        found = calendars.holidays_of(self.stored, year or info.context.clock().year)
        return [Holiday(date=day, name=name) for day, name in found.items()][: bounded(limit)]

    @classmethod
    def of(cls, row: sla_models.BusinessCalendar) -> Self:
        """The calendar in this row."""
        return shape(cls, row, stored=row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The calendar that another module points at."""
        row = await info.context.row(sla_models.BusinessCalendar, id, SLA_READ)
        return cls.of(row) if row else None


@strawberry.type
class SlaTarget:
    """What is promised for one priority."""

    priority: TicketPriority
    """The priority that it holds for."""
    metric: SlaMetric
    """What is promised."""
    minutes: int
    """Within how many minutes of the calendar."""
    calendar_id: strawberry.ID | None
    """The calendar that counts, when it is not the policy's."""


@entity(keys=["id"])
class SlaPolicy:
    """What is promised, by priority."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    calendar_id: strawberry.ID
    """The calendar in which its clocks run."""
    update_target_minutes: int | None
    """Within how many minutes of the calendar the customer hears from us again; absent promises nothing."""
    pause_on_vendor: bool
    """Whether the clock of the resolution stands still while a vendor has to act."""
    warn_at: list[int]
    """The percentages of a target at which somebody is warned; 100 is the breach."""
    is_default: bool
    """Whether it holds where nothing else is agreed."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[Any]

    @strawberry.field
    def targets(self, limit: Limit = DEFAULT_LIMIT) -> list[SlaTarget]:
        """What is promised for each priority."""
        return [
            SlaTarget(
                priority=TicketPriority(one["priority"]),
                metric=SlaMetric(one["metric"]),
                minutes=one["minutes"],
                calendar_id=one.get("calendarId"),
            )
            for one in self.stored.targets
        ][: bounded(limit)]

    @strawberry.field
    async def calendar(self, info: Info) -> BusinessCalendar | None:
        """The calendar in which its clocks run."""
        row = await info.context.row(sla_models.BusinessCalendar, self.calendar_id, SLA_READ)
        return BusinessCalendar.of(row) if row else None

    @classmethod
    def of(cls, row: sla_models.SlaPolicy) -> Self:
        """The policy in this row."""
        return shape(cls, row, stored=row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The policy that another module points at."""
        row = await info.context.row(sla_models.SlaPolicy, id, SLA_READ)
        return cls.of(row) if row else None


@strawberry.type
class SlaInterval:
    """A stretch of a clock's life."""

    from_: datetime = strawberry.field(name="from", description="Its beginning.")
    to: datetime | None
    """Its end; absent while it lasts."""
    kind: SlaIntervalKind
    """Whether the clock ran."""
    cause: Condition
    """Why."""
    business_seconds: int
    """The business time in it."""
    consumed_seconds: int
    """What the clock had consumed at its end."""


@strawberry.type
class SlaClock:
    """A promise about a ticket, as it stands now; derived from what happened, never shifted."""

    id: strawberry.ID
    """The identifier: a UUID."""
    ticket_id: strawberry.ID
    """The ticket."""
    metric: SlaMetric
    """What is promised."""
    ordinal: int
    """1, and counting for the updates after the first answer."""
    state: SlaClockState
    """How it stands."""
    target_minutes: int
    """Within how many minutes of business time."""
    started_at: datetime
    """When it began to count."""
    due_at: datetime | None
    """The deadline; absent while it is paused."""
    met_at: datetime | None
    """When the promise was kept."""
    breached_at: datetime | None
    """When it was broken."""
    breach_reason: SlaBreachReason | None
    """Why it counts as broken."""
    percent: int
    """How much of the target is consumed, in percent."""
    consumed_seconds: int
    """The business time that has run."""
    paused_seconds: int
    """The business time in which it stood still."""
    shown: strawberry.Private[sla.Shown]

    @strawberry.field
    def intervals(self, limit: Limit = DEFAULT_LIMIT) -> list[SlaInterval]:
        """When it ran and when it stood still, in order."""
        return _intervals(self.shown.clock, self.shown.at)[: bounded(limit)]

    @strawberry.field
    def explanation(self) -> list[str]:
        """Why it says what it says, in sentences."""
        return list(sla_explained.sentences(self.shown.clock, self.shown.at))

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """The ticket."""
        from subgraphs.tickets.types.tickets import Ticket  # noqa: PLC0415 - tickets show clocks, and clocks tickets

        row = await info.context.row(TicketRow, self.ticket_id, READ)
        return Ticket.of(row) if row else None

    @classmethod
    def of(cls, shown: sla.Shown) -> Self:
        """The clock as it stands."""
        clock = shown.clock
        return cls(
            id=strawberry.ID(str(shown.row.id)),
            ticket_id=strawberry.ID(str(shown.row.ticket_id)),
            metric=clock.metric,
            ordinal=clock.ordinal,
            state=clock.state,
            target_minutes=calendars.minutes(clock.terms.target),
            started_at=clock.started_at,
            due_at=clock.due_at,
            met_at=clock.met_at,
            breached_at=clock.breached_at,
            breach_reason=clock.breach_reason,
            percent=clock.percent,
            consumed_seconds=_seconds(clock.consumed),
            paused_seconds=_seconds(clock.paused),
            shown=shown,
        )


@strawberry.type
class SlaExplanation:
    """Which promise holds for a ticket, why it is this one, and how each of its clocks came to where it stands."""

    ticket_id: strawberry.ID
    """The ticket."""
    because: str
    """Why this policy holds: what was agreed, and with whom."""
    policy_id: strawberry.ID | None
    """The policy; absent when nothing is promised."""
    story: strawberry.Private[sla.Story]
    clocks_shown: strawberry.Private[list[sla.Shown]]

    @strawberry.field
    async def policy(self, info: Info) -> SlaPolicy | None:
        """The policy that holds."""
        if self.policy_id is None:
            return None
        row = await info.context.row(sla_models.SlaPolicy, self.policy_id, SLA_READ)
        return SlaPolicy.of(row) if row else None

    @strawberry.field
    def clocks(self, limit: Limit = DEFAULT_LIMIT) -> list[SlaClock]:
        """The clocks, each with its stretches and its sentences."""
        return [SlaClock.of(one) for one in self.clocks_shown][: bounded(limit)]

    @strawberry.field
    def history(self) -> list[str]:
        """What was promised over time, in sentences."""
        return [
            f"Since {one.since:%Y-%m-%d %H:%M} UTC for {one.terms['priority']}: {one.because}"
            for one in self.story.terms
        ]


@strawberry.type
class BusinessCalendarPayload:
    """What became of a command on a calendar."""

    calendar: BusinessCalendar | None = None
    """The calendar as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class SlaPolicyPayload:
    """What became of a command on an SLA policy."""

    policy: SlaPolicy | None = None
    """The policy as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


def _intervals(clock: Clock, at: datetime) -> list[SlaInterval]:
    return [
        SlaInterval(
            from_=one.interval.begins,
            to=one.interval.ends,
            kind=one.interval.kind,
            cause=one.interval.cause,
            business_seconds=_seconds(one.business),
            consumed_seconds=_seconds(one.consumed),
        )
        for one in sla_explained.steps(clock, at)
    ]


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
