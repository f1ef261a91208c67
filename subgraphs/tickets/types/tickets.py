"""How the service desk looks in the graph: its own types, and what it adds to customers and assets."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.filters import TimeRange
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models import desk as desk_models
from subgraphs.tickets.models import tickets as models
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import (
    MessageChannel,
    TicketMessageKind,
    TicketPriority,
    TicketSource,
    TicketStatus,
    TicketStatusCategory,
    TicketType,
)
from subgraphs.tickets.service import approvals, content, files, messages, planning, sla, statistics, time_entries
from subgraphs.tickets.service import tickets as service
from subgraphs.tickets.types.approvals import TicketApproval
from subgraphs.tickets.types.content import (
    ChecklistItem,
    CsatResponse,
    TicketAttachment,
    TicketLink,
    TicketWatcher,
)
from subgraphs.tickets.types.desk import Category, Queue, SubStatus
from subgraphs.tickets.types.planning import Appointment
from subgraphs.tickets.types.pointers import Site, Team
from subgraphs.tickets.types.sla import SlaClock
from subgraphs.tickets.types.time_entries import READ as TIME_READ
from subgraphs.tickets.types.time_entries import TicketTimer, TimeEntry

READ = "tickets:read"

if TYPE_CHECKING:
    from subgraphs.tickets.types.others import Contact, Contract, User

LazyContact = Annotated["Contact", strawberry.lazy("subgraphs.tickets.types.others")]
LazyUser = Annotated["User", strawberry.lazy("subgraphs.tickets.types.others")]
LazyContract = Annotated["Contract", strawberry.lazy("subgraphs.tickets.types.others")]

for spoken in (TicketStatusCategory, TicketType, TicketSource, TicketMessageKind, MessageChannel, TicketLevel):
    strawberry.enum(spoken)

StatusWord = Annotated[
    str | None,
    strawberry.argument(description="`open`, `waiting`, `closed`, `all`, or a TicketStatus by name, in any case."),
]


@strawberry.type
class TicketMessage:
    """Something that was said about a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: TicketMessageKind
    """Who said it, and who may read it."""
    author_id: strawberry.ID
    """The user who said it."""
    body_text: str
    """What was said, as plain text."""
    body_html: str | None
    """What a mail looked like, with everything taken out that could act or load."""
    channel: MessageChannel
    """How it came or went."""
    email_message_id: str | None
    """The Message-ID of its mail."""
    in_reply_to: str | None
    """The Message-ID of the mail that it answers."""
    author_email: str | None
    """The mail address that it came from."""
    ai_generated: bool
    """Whether a machine wrote it."""
    created_at: datetime
    """When it was said."""


@entity(keys=["id"])
class Ticket:
    """One piece of work for a customer, from the first call to the last word."""

    id: strawberry.ID
    """The identifier: a UUID."""
    number: str
    """The number that people say: `T-2026-000123`."""
    title: str
    """What it is about, in one line."""
    description: str | None
    """What it is about, in full."""
    type: TicketType
    """What kind of work it is."""
    status: TicketStatus
    """Where it is on its way from new to done."""
    priority: TicketPriority
    """How urgent it is."""
    impact: TicketLevel | None
    """How far it reaches."""
    urgency: TicketLevel | None
    """How soon it hurts."""
    source: TicketSource
    """How it came in."""
    customer_id: strawberry.ID
    """The customer whom the work is for."""
    contact_id: strawberry.ID | None
    """The person who asked for it."""
    asset_id: strawberry.ID | None
    """The asset that it is about."""
    site_id: strawberry.ID | None
    """The site where the work is."""
    contract_id: strawberry.ID | None
    """The contract that was named for it."""
    requester_email: str | None
    """The mail address that it came from."""
    assignee_id: strawberry.ID | None
    """The user who has it."""
    team_id: strawberry.ID | None
    """The team that has it."""
    queue_id: strawberry.ID | None
    """The queue in which it waits."""
    category_id: strawberry.ID | None
    """What it is about, in the tenant's tree."""
    sub_status_id: strawberry.ID | None
    """The tenant's own word below the status."""
    parent_id: strawberry.ID | None
    """The ticket that it is a part of."""
    merged_into_id: strawberry.ID | None
    """The ticket in which it continues."""
    tags: list[str]
    """Words by which it is found again."""
    vendor_reference: str | None
    """The vendor's own number, while a vendor works on it."""
    due_at: datetime | None
    """When it should be done: the deadline of its resolution, or what a person said."""
    due_at_manual: bool
    """Whether a person said when it is due; then no clock moves it."""
    scheduled_for: datetime | None
    """When its next appointment begins."""
    first_response_at: datetime | None
    """When the customer first heard from us."""
    resolution: str | None
    """How it was resolved."""
    resolution_code: str | None
    """The kind of resolution, as a code of yours."""
    resolved_at: datetime | None
    """When it was resolved."""
    closed_at: datetime | None
    """When it was closed for good."""
    reopen_count: int
    """How often a resolution did not hold."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was opened."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    def status_category(self) -> TicketStatusCategory:
        """What the status means for whoever plans the day."""
        return rules.CATEGORY[self.status]

    @strawberry.field
    def customer(self) -> Customer | None:
        """The customer whom the work is for."""
        return Customer(id=self.customer_id)

    @strawberry.field
    def asset(self) -> Asset | None:
        """The asset that it is about."""
        return Asset(id=self.asset_id) if self.asset_id else None

    @strawberry.field
    def contact(self) -> LazyContact | None:
        """The person who asked for it."""
        from subgraphs.tickets.types.others import Contact  # noqa: PLC0415 - contacts show tickets

        return Contact(id=self.contact_id) if self.contact_id else None

    @strawberry.field
    def assignee(self) -> LazyUser | None:
        """Who has it."""
        from subgraphs.tickets.types.others import User  # noqa: PLC0415 - users show tickets

        return User(id=self.assignee_id) if self.assignee_id else None

    @strawberry.field
    def team(self) -> Team | None:
        """The team that has it."""
        return Team(id=self.team_id) if self.team_id else None

    @strawberry.field
    def site(self) -> Site | None:
        """The site where the work is."""
        return Site(id=self.site_id) if self.site_id else None

    @strawberry.field
    async def approvals(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketApproval]:
        """Whether it may be done, as the customer and teams were asked, in order."""
        rows = await info.context.lists(approvals.of_tickets, self.id, READ, limit=bounded(limit))
        return [TicketApproval.of(row) for row in rows]

    @strawberry.field
    def contract(self) -> LazyContract | None:
        """The contract that was named for it."""
        from subgraphs.tickets.types.others import Contract  # noqa: PLC0415 - contracts show time, and time tickets

        return Contract(id=self.contract_id) if self.contract_id else None

    @strawberry.field
    async def messages(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketMessage]:
        """What was said about it, oldest first."""
        rows = await info.context.lists(messages.messages_of, self.id, READ, limit=bounded(limit))
        return [shape(TicketMessage, row) for row in rows]

    @strawberry.field
    async def sla_clocks(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[SlaClock]:
        """What is promised for it, and how that stands now."""
        shown = await info.context.lists(sla.clocks_of, self.id, READ)
        return [SlaClock.of(one) for one in shown][: bounded(limit)]

    @strawberry.field
    async def time_entries(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TimeEntry] | None:
        """The time that was worked on it, oldest first; null for those who may not see time."""
        if not info.context.caller.holds(TIME_READ):
            return None
        rows = await info.context.lists(time_entries.of_tickets, self.id, TIME_READ, limit=bounded(limit))
        return [TimeEntry.of(row) for row in rows]

    @strawberry.field
    async def timers(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketTimer] | None:
        """The timers that run on it; null for those who may not see time."""
        if not info.context.caller.holds(TIME_READ):
            return None
        rows = await info.context.lists(time_entries.timers_of, self.id, TIME_READ, limit=bounded(limit))
        return [TicketTimer.of(row) for row in rows]

    @strawberry.field
    async def links(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketLink]:
        """What it is to others, and others are to it."""
        most = bounded(limit)
        there = await info.context.lists(content.links_of, self.id, READ, limit=most)
        back = await info.context.lists(content.linked_from, self.id, READ, limit=most)
        return [*map(TicketLink.of, there), *(TicketLink.of(one, backwards=True) for one in back)][:most]

    @strawberry.field
    async def checklist(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[ChecklistItem]:
        """Its steps, in their order."""
        rows = await info.context.lists(content.steps_of, self.id, READ, limit=bounded(limit))
        return [ChecklistItem.of(row) for row in rows]

    @strawberry.field
    async def watchers(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketWatcher]:
        """Who wants to hear of it."""
        rows = await info.context.lists(content.watchers_of, self.id, READ, limit=bounded(limit))
        return [TicketWatcher.of(row) for row in rows]

    @strawberry.field
    async def attachments(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[TicketAttachment]:
        """Its files, oldest first."""
        rows = await info.context.lists(files.of_tickets, self.id, READ, limit=bounded(limit))
        return [TicketAttachment.of(row) for row in rows]

    @strawberry.field
    async def appointments(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[Appointment]:
        """Its appointments, in order."""
        rows = await info.context.lists(planning.appointments_of, self.id, READ, limit=bounded(limit))
        return [Appointment.of(row) for row in rows]

    @strawberry.field
    async def csat(self, info: Info) -> CsatResponse | None:
        """What the customer thought of it."""
        rows = await info.context.lists(content.ratings_of, self.id, READ)
        return CsatResponse.of(rows[0]) if rows else None

    @strawberry.field
    async def queue(self, info: Info) -> Queue | None:
        """The queue in which it waits."""
        row = await info.context.row(desk_models.Queue, self.queue_id, READ)
        return Queue.of(row) if row else None

    @strawberry.field
    async def category(self, info: Info) -> Category | None:
        """What it is about, in the tenant's tree."""
        row = await info.context.row(desk_models.Category, self.category_id, READ)
        return Category.of(row) if row else None

    @strawberry.field
    async def sub_status(self, info: Info) -> SubStatus | None:
        """The tenant's own word below the status."""
        row = await info.context.row(desk_models.SubStatus, self.sub_status_id, READ)
        return SubStatus.of(row) if row else None

    @strawberry.field
    async def parent(self, info: Info) -> Ticket | None:
        """The ticket that it is a part of."""
        row = await info.context.row(models.Ticket, self.parent_id, READ)
        return Ticket.of(row) if row else None

    @strawberry.field
    async def children(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[Ticket]:
        """The tickets that are parts of it, oldest first."""
        rows = await info.context.lists(service.of_parents, self.id, READ, limit=bounded(limit))
        return [Ticket.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.Ticket) -> Self:
        """The ticket in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The ticket that another module points at."""
        row = await info.context.row(models.Ticket, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class TicketStats:
    """How much there is to do."""

    open: int
    """Tickets that are not done."""
    waiting: int
    """Those of them that wait for somebody else."""
    unassigned: int
    """Those of them that nobody has."""
    breached: int
    """Those of them of which a promise is broken."""
    resolved: int
    """Tickets that are resolved."""

    @classmethod
    def of(cls, found: statistics.Numbers) -> Self:
        """The numbers as the graph shows them."""
        return cls(**dataclasses.asdict(found))


@entity(keys=["id"])
class Customer:
    """The tickets of a customer; the customer itself is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def tickets(
        self,
        info: Info,
        status: StatusWord = None,
        priority: TicketPriority | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Ticket] | None:
        """The customer's tickets, newest first."""
        rows = await info.context.lists(
            service.of_customers,
            self.id,
            READ,
            statuses=rules.statuses(status),
            priority=priority,
            limit=bounded(limit),
            offset=skipped(offset),
        )
        return [Ticket.of(row) for row in rows]

    @strawberry.field
    async def tickets_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        status: StatusWord = None,
        priority: TicketPriority | None = None,
    ) -> Connection[Ticket] | None:
        """The customer's tickets page by page, newest first."""
        found = await info.context.lists(
            service.pages_of_customers,
            parsed(self.id) or UUID(int=0),
            READ,
            statuses=rules.statuses(status),
            priority=priority,
            wanted=cut(first=first, after=after, last=last, before=before),
            shape=Ticket.of,
            count=counts(info),
        )
        return found[0]

    @strawberry.field
    async def ticket_stats(self, info: Info) -> TicketStats | None:
        """How much there is to do for the customer."""
        found = await info.context.lists(statistics.of_customers, self.id, READ)
        return TicketStats.of(found[0]) if found else None

    @strawberry.field
    async def time_entries(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> list[TimeEntry] | None:
        """The time that was worked for the customer, newest first."""
        span = {"since": since, "until": until, "limit": bounded(limit)}
        rows = await info.context.lists(time_entries.of_customers, self.id, TIME_READ, **span)
        return [TimeEntry.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The customer that the graph is at; its tickets are looked up when they are asked for."""
        return cls(id=id)


@entity(keys=["id"])
class Asset:
    """The tickets about an asset; the asset itself is `assets`'."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def tickets(self, info: Info, status: StatusWord = None, limit: Limit = DEFAULT_LIMIT) -> list[Ticket] | None:
        """The tickets about this asset, newest first."""
        statuses = rules.statuses(status)
        rows = await info.context.lists(service.of_assets, self.id, READ, statuses=statuses, limit=bounded(limit))
        return [Ticket.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The asset that the graph is at; its tickets are looked up when they are asked for."""
        return cls(id=id)


@strawberry.input
class TicketFilter:
    """Which tickets: all that is given must hold."""

    status: list[TicketStatus] | None = None
    """In one of these statuses."""
    priority: list[TicketPriority] | None = None
    """Of one of these priorities."""
    type: list[TicketType] | None = None
    """Of one of these types."""
    customer_id: strawberry.ID | None = None
    """Of this customer."""
    asset_id: strawberry.ID | None = None
    """About this asset."""
    assignee_id: strawberry.ID | None = None
    """In the hands of this user."""
    team_id: strawberry.ID | None = None
    """In the hands of this team."""
    queue_id: strawberry.ID | None = None
    """In this queue."""
    category_id: strawberry.ID | None = None
    """About this."""
    contact_id: strawberry.ID | None = None
    """Asked for by this person."""
    parent_id: strawberry.ID | None = None
    """A part of this ticket."""
    created_at: TimeRange | None = None
    """Opened in this span of time."""
    due_at: TimeRange | None = None
    """Due in this span of time."""


@strawberry.type
class TicketPayload:
    """What became of a command on a ticket."""

    ticket: Ticket | None = None
    """The ticket as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
