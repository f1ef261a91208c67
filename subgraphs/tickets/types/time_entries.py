"""Time in the graph: entries, kinds of work, rules of rounding, and running timers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange, TimeRange
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Date, UserError
from subgraphs.tickets.models import time_entries as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.time_entries import RoundingMode, RoundingScope, TimeEntryStatus, WorkItemType

TICKETS_READ = "tickets:read"
READ = "time:read"

for spoken in (TimeEntryStatus, WorkItemType, RoundingMode, RoundingScope):
    strawberry.enum(spoken)

if TYPE_CHECKING:
    from subgraphs.tickets.types.others import Contract, User
    from subgraphs.tickets.types.tickets import Customer, Ticket

LazyUser = Annotated["User", strawberry.lazy("subgraphs.tickets.types.others")]
LazyContract = Annotated["Contract", strawberry.lazy("subgraphs.tickets.types.others")]
LazyCustomer = Annotated["Customer", strawberry.lazy("subgraphs.tickets.types.tickets")]
LazyTicket = Annotated["Ticket", strawberry.lazy("subgraphs.tickets.types.tickets")]


@entity(keys=["id"])
class WorkType:
    """A kind of work, and at which multiple of the rate it is charged."""

    id: strawberry.ID
    """The identifier: a UUID."""
    key: str
    """A word for programs, which stays: `remote`."""
    name: str
    """What people call it."""
    multiplier: Decimal
    """The multiple of the rate."""
    default_billable: bool
    """Whether it is charged unless somebody says otherwise."""
    includes_travel: bool
    """Whether somebody goes there."""
    after_hours_calendar_id: strawberry.ID | None
    """What lies outside of this calendar is after hours."""
    after_hours_multiplier: Decimal | None
    """The multiple of the rate after hours."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.WorkType) -> Self:
        """The kind of work in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The kind of work that another module points at."""
        row = await info.context.row(models.WorkType, id, TICKETS_READ)
        return cls.of(row) if row else None


@strawberry.type
class RoundingRule:
    """How charged minutes follow from worked ones."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    increment_min: int
    """The minutes of one step."""
    minimum_min: int
    """The least that is charged."""
    mode: RoundingMode
    """Which way it rounds."""
    grace_min: int
    """So many minutes into a step are given away."""
    scope: RoundingScope
    """What is rounded as one."""
    is_default: bool
    """Whether it holds for what is booked now."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.RoundingRule) -> Self:
        """The rule in this row."""
        return shape(cls, row)


@strawberry.type
class WorkItem:
    """What time was worked for."""

    type: WorkItemType
    """Its kind."""
    id: strawberry.ID | None
    """Which one; absent for work for ourselves."""


@entity(keys=["id"])
class TimeEntry:
    """Time that somebody worked, on its way to the invoice."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Who worked."""
    ticket_id: strawberry.ID | None
    """The ticket that it was for."""
    customer_id: strawberry.ID | None
    """The customer that it was for; absent for work for ourselves."""
    contract_id: strawberry.ID | None
    """The contract that was named for it."""
    work_type_id: strawberry.ID
    """The kind of work."""
    started_at: datetime
    """When it began."""
    ended_at: datetime
    """When it ended."""
    local_date: Date
    """The local day that it belongs to, by its beginning."""
    actual_minutes: int
    """The minutes that were worked: a fact."""
    billable_minutes: int
    """The minutes that are charged, after rounding; a preview until it is approved."""
    after_hours_minutes: int
    """Those of the worked minutes that lie after hours."""
    charged_after_hours_minutes: int
    """Those of the charged minutes that are charged as after hours."""
    is_billable: bool
    """Whether it is meant to be charged at all."""
    rounding_rule_id: strawberry.ID | None
    """The rule by which it was rounded."""
    travel_km: Decimal | None
    """How far somebody went."""
    note: str
    """What was done, in words for the invoice."""
    status: TimeEntryStatus
    """Where it is on its way to the invoice."""
    submitted_at: datetime | None
    """When it was given for approval."""
    decided_at: datetime | None
    """When it was approved or sent back."""
    decided_by: strawberry.ID | None
    """Who approved it or sent it back."""
    rejection: str | None
    """Why it was sent back."""
    billed_in: strawberry.ID | None
    """The invoice that it is on."""
    corrects_id: strawberry.ID | None
    """The billed entry that it corrects."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored_internal_note: strawberry.Private[str | None]
    item: strawberry.Private[WorkItem]

    @strawberry.field
    def work_item(self) -> WorkItem:
        """What it was for."""
        return self.item

    @strawberry.field
    def internal_note(self, info: Info) -> str | None:
        """What was written down among us; null for those who may not read internal notes."""
        return self.stored_internal_note if info.context.caller.holds("tickets:read_internal") else None

    @strawberry.field
    def user(self) -> LazyUser | None:
        """Who worked."""
        from subgraphs.tickets.types.others import User  # noqa: PLC0415 - users show time

        return User(id=self.user_id)

    @strawberry.field
    def customer(self) -> LazyCustomer | None:
        """The customer for whom it was."""
        from subgraphs.tickets.types.tickets import Customer  # noqa: PLC0415 - customers show time

        return Customer(id=self.customer_id) if self.customer_id else None

    @strawberry.field
    def contract(self) -> LazyContract | None:
        """The contract that was named for it."""
        from subgraphs.tickets.types.others import Contract  # noqa: PLC0415 - contracts show time

        return Contract(id=self.contract_id) if self.contract_id else None

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """The ticket that it was for."""
        from subgraphs.tickets.types.tickets import Ticket  # noqa: PLC0415 - tickets show time, and time tickets

        row = await info.context.row(TicketRow, self.ticket_id, TICKETS_READ)
        return Ticket.of(row) if row else None

    @strawberry.field
    async def work_type(self, info: Info) -> WorkType | None:
        """The kind of work."""
        row = await info.context.row(models.WorkType, self.work_type_id, TICKETS_READ)
        return WorkType.of(row) if row else None

    @classmethod
    def of(cls, row: models.TimeEntry) -> Self:
        """The entry in this row."""
        item = WorkItem(type=row.work_item_type, id=strawberry.ID(str(row.work_item_id)) if row.work_item_id else None)
        return shape(cls, row, stored_internal_note=row.internal_note, item=item)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The entry that another module points at."""
        row = await info.context.row(models.TimeEntry, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class TicketTimer:
    """A clock that somebody started while they work on a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Whose it is."""
    ticket_id: strawberry.ID
    """What they work on."""
    started_at: datetime
    """Since when."""

    @classmethod
    def of(cls, row: models.Timer) -> Self:
        """The timer in this row."""
        return shape(cls, row)


@strawberry.input
class TimeEntryFilter:
    """Which time entries: all that is given must hold."""

    status: list[TimeEntryStatus] | None = None
    """In one of these states."""
    user_id: strawberry.ID | None = None
    """Of this user."""
    ticket_id: strawberry.ID | None = None
    """For this ticket."""
    customer_id: strawberry.ID | None = None
    """For this customer."""
    contract_id: strawberry.ID | None = None
    """For which this contract was named."""
    is_billable: bool | None = None
    """Meant to be charged, or not."""
    started_at: TimeRange | None = None
    """Begun in this span of time."""
    local_date: DateRange | None = None
    """Of these days."""


@strawberry.type
class TimeEntryPayload:
    """What became of a command on time."""

    time_entry: TimeEntry | None = None
    """The entry as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TicketTimerPayload:
    """What became of a command on a timer."""

    timer: TicketTimer | None = None
    """The timer; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class WorkTypePayload:
    """What became of a command on a kind of work."""

    work_type: WorkType | None = None
    """The kind of work as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class RoundingRulePayload:
    """What became of a command on rounding."""

    rounding_rule: RoundingRule | None = None
    """The rule as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
