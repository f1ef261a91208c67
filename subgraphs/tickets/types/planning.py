"""What is planned and written down, in the graph: templates, recurring tickets, appointments and articles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Date, UserError
from subgraphs.tickets.models import planning as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.planning import AppointmentKind, AppointmentState, KbVisibility
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import TicketType

READ = "tickets:read"
KB_READ = "kb:read"

for spoken in (AppointmentKind, AppointmentState, KbVisibility):
    strawberry.enum(spoken)

if TYPE_CHECKING:
    from subgraphs.tickets.types.tickets import Ticket

LazyTicket = Annotated["Ticket", strawberry.lazy("subgraphs.tickets.types.tickets")]


@strawberry.type
class TemplateStep:
    """A step that every ticket of a template gets."""

    text: str
    """What is to be done."""
    required: bool
    """Whether the ticket cannot be resolved before."""


@strawberry.type
class TicketTemplate:
    """A ticket that comes again and again, without the customer."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    title: str
    """The title of its tickets."""
    description: str | None
    """The description of its tickets."""
    type: TicketType
    """Their type."""
    impact: TicketLevel | None
    """How far they reach."""
    urgency: TicketLevel | None
    """How soon they hurt."""
    queue_id: strawberry.ID | None
    """The queue in which they wait."""
    category_id: strawberry.ID | None
    """What they are about."""
    tags: list[str]
    """The words by which they are found again."""
    version: int
    """Counts changes."""
    stored: strawberry.Private[Any]

    @strawberry.field
    def checklist(self, limit: Limit = DEFAULT_LIMIT) -> list[TemplateStep]:
        """The steps that each of them gets."""
        steps = [TemplateStep(text=one["text"], required=one["required"]) for one in self.stored.checklist]
        return steps[: bounded(limit)]

    @classmethod
    def of(cls, row: models.TicketTemplate) -> Self:
        """The template in this row."""
        return shape(cls, row, stored=row)


@strawberry.type
class RecurringTicket:
    """A template that becomes a ticket by a schedule."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer whom it is for."""
    template_id: strawberry.ID
    """The template."""
    rrule: str
    """The schedule, as RFC 5545 writes it, or cron."""
    time_zone: str
    """The time zone of its wall clock."""
    starts_at: datetime
    """When the schedule begins."""
    next_at: datetime | None
    """When the next ticket comes; absent when there is none."""
    last_ticket_id: strawberry.ID | None
    """The ticket that came last."""
    is_paused: bool
    """Whether it rests."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.RecurringTicket) -> Self:
        """The recurring ticket in this row."""
        return shape(cls, row)


@entity(keys=["id"])
class Appointment:
    """When somebody is where, or on the phone."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Who."""
    ticket_id: strawberry.ID | None
    """For which ticket."""
    customer_id: strawberry.ID | None
    """For which customer."""
    starts_at: datetime
    """From when."""
    ends_at: datetime
    """Until when."""
    kind: AppointmentKind
    """How they meet."""
    state: AppointmentState
    """What became of it."""
    note: str | None
    """What else is to be known."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """For which ticket."""
        from subgraphs.tickets.types.tickets import Ticket  # noqa: PLC0415 - tickets show their appointments

        row = await info.context.row(TicketRow, self.ticket_id, READ)
        return Ticket.of(row) if row else None

    @classmethod
    def of(cls, row: models.Appointment) -> Self:
        """The appointment in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The appointment that another module points at."""
        row = await info.context.row(models.Appointment, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class KbArticle:
    """Something that is worth being known."""

    id: strawberry.ID
    """The identifier: a UUID."""
    title: str
    """What it is about."""
    body: str
    """What is to be known."""
    visibility: KbVisibility
    """Whom it is for."""
    tags: list[str]
    """Words by which it is found again."""
    review_at: Date | None
    """When somebody should read it again."""
    published_at: datetime | None
    """Since when those see it whom it is for; absent while it is a draft."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[Any]

    @strawberry.field
    def customer_ids(self, info: Info) -> list[strawberry.ID]:
        """The customers that it is for; none means all. Only staff sees others than their own."""
        own = info.context.caller.customers
        seen = None if own is None else {str(one) for one in own}
        return [strawberry.ID(one) for one in self.stored.customer_ids if seen is None or one in seen]

    @classmethod
    def of(cls, row: models.KbArticle) -> Self:
        """The article in this row."""
        return shape(cls, row, stored=row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The article that another module points at."""
        row = await info.context.row(models.KbArticle, id, KB_READ)
        return cls.of(row) if row else None


@strawberry.type
class TicketTemplatePayload:
    """What became of a command on a template."""

    template: TicketTemplate | None = None
    """The template as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class RecurringTicketPayload:
    """What became of a command on a recurring ticket."""

    recurring_ticket: RecurringTicket | None = None
    """The recurring ticket as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class AppointmentPayload:
    """What became of a command on an appointment."""

    appointment: Appointment | None = None
    """The appointment as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class KbArticlePayload:
    """What became of a command on an article."""

    article: KbArticle | None = None
    """The article as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
