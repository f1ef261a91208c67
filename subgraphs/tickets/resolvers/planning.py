"""What is planned and written down, by GraphQL: templates, recurring tickets, appointments and articles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given, in_time
from subgraphs.kit.values import Date
from subgraphs.kit.work import Work
from subgraphs.tickets.models import planning as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.planning import AppointmentKind, AppointmentState, KbVisibility
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import TicketSource, TicketType
from subgraphs.tickets.service import knowledge, planning
from subgraphs.tickets.types.planning import (
    KB_READ,
    READ,
    Appointment,
    AppointmentPayload,
    KbArticle,
    KbArticlePayload,
    RecurringTicket,
    RecurringTicketPayload,
    TicketTemplate,
    TicketTemplatePayload,
)
from subgraphs.tickets.types.tickets import TicketPayload

WRITE = "tickets:write"
ASSIGN = "tickets:assign"
KB_WRITE = "kb:write"


@strawberry.type
class PlanningQuery:
    """What can be asked about what is planned and written down."""

    @strawberry.field
    async def ticket_templates(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[TicketTemplate]:
        """The templates, by name."""
        query = planning.templates().limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(ASSIGN) as work:
            rows = (await work.session.scalars(query)).all()
        return [TicketTemplate.of(row) for row in rows]

    @strawberry.field
    async def recurring_tickets(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[RecurringTicket]:
        """The tickets that come again, those that come next first."""
        query = planning.recurring().limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(ASSIGN) as work:
            rows = (await work.session.scalars(query)).all()
        return [RecurringTicket.of(row) for row in rows]

    @strawberry.field
    async def appointments(
        self,
        info: Info,
        user_id: strawberry.ID | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Appointment]:
        """The dispatch calendar: the appointments of a person or of everybody in a span of time, in order."""
        whose = (parsed(user_id) or parsed("0" * 32)) if user_id is not None else None
        span = in_time(since, "since"), in_time(until, "until")
        query = planning.appointments(whose, *span).limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query)).all()
        return [Appointment.of(row) for row in rows]

    @strawberry.field
    async def appointment(self, info: Info, id: strawberry.ID) -> Appointment | None:
        """One appointment; null when it is not there or not yours."""
        row = await info.context.row(models.Appointment, id, READ)
        return Appointment.of(row) if row else None

    @strawberry.field
    async def kb_articles_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        search: str | None = None,
    ) -> Connection[KbArticle]:
        """The articles that are for whoever asks, by title; `search` looks into titles and texts."""
        wanted, count = cut(first=first, after=after, last=last, before=before), counts(info)
        async with info.context.work(KB_READ) as work:
            query = knowledge.selected(search)
            return await page(work, query, models.KbArticle, knowledge.BY_TITLE, wanted, KbArticle.of, count=count)

    @strawberry.field
    async def kb_article(self, info: Info, id: strawberry.ID) -> KbArticle | None:
        """One article; null when it is not there or not for you."""
        row = await info.context.row(models.KbArticle, id, KB_READ)
        return KbArticle.of(row) if row else None


@strawberry.input
class TemplateStepInput:
    """A step that every ticket of a template gets."""

    text: str
    """What is to be done."""
    required: bool = False
    """Whether the ticket cannot be resolved before."""


@strawberry.input
class CreateTicketTemplateInput(Command):
    """A new template."""

    name: str
    """What people will call it."""
    title: str
    """The title of its tickets."""
    description: str | None = None
    """The description of its tickets."""
    type: TicketType = TicketType.SERVICE_REQUEST
    """Their type."""
    impact: TicketLevel | None = None
    """How far they reach."""
    urgency: TicketLevel | None = None
    """How soon they hurt."""
    queue_id: strawberry.ID | None = None
    """The queue in which they wait."""
    category_id: strawberry.ID | None = None
    """What they are about."""
    tags: list[str] = strawberry.field(default_factory=list, description="Words by which they are found again.")
    checklist: list[TemplateStepInput] = strawberry.field(
        default_factory=list, description="The steps that each of them gets."
    )


@strawberry.input
class CreateTicketFromTemplateInput(Command):
    """A ticket as a template describes it."""

    template_id: strawberry.ID
    """The template."""
    customer_id: strawberry.ID
    """The customer whom the work is for."""
    contact_id: strawberry.ID | None = None
    """The person who asked for it."""
    asset_id: strawberry.ID | None = None
    """The asset that it is about."""
    assignee_id: strawberry.ID | None = None
    """The user who has it from the start."""
    source: TicketSource = TicketSource.MANUAL
    """How it came in."""


@strawberry.input
class CreateRecurringTicketInput(Command):
    """A template that shall become a ticket by a schedule."""

    customer_id: strawberry.ID
    """The customer whom it is for."""
    template_id: strawberry.ID
    """The template."""
    rrule: str
    """The schedule, as RFC 5545 writes it: FREQ=MONTHLY;BYMONTHDAY=1; or as cron does: 30 9 * * MON-FRI."""
    starts_at: datetime
    """When the schedule begins; its time of day is that of every ticket."""
    time_zone: str | None = None
    """The time zone of its wall clock; the desk's when absent."""


@strawberry.input
class PauseRecurringTicketInput(Change):
    """A recurring ticket that shall rest, or come again."""

    id: strawberry.ID
    """The recurring ticket."""
    paused: bool = True
    """Whether it rests."""


@strawberry.input
class ScheduleTicketInput(Change):
    """An appointment for a ticket."""

    id: strawberry.ID
    """The ticket."""
    user_id: strawberry.ID
    """Who."""
    starts_at: datetime
    """From when."""
    ends_at: datetime
    """Until when."""
    kind: AppointmentKind = AppointmentKind.REMOTE
    """How they meet."""
    note: str | None = None
    """What else is to be known."""


@strawberry.input
class CreateAppointmentInput(Command):
    """An appointment."""

    user_id: strawberry.ID
    """Who."""
    starts_at: datetime
    """From when."""
    ends_at: datetime
    """Until when."""
    ticket_id: strawberry.ID | None = None
    """For which ticket, if for any; its status stays."""
    kind: AppointmentKind = AppointmentKind.REMOTE
    """How they meet."""
    note: str | None = None
    """What else is to be known."""


@strawberry.input
class UpdateAppointmentInput(Change):
    """Changes to an appointment; what is absent stays."""

    id: strawberry.ID
    """The appointment."""
    user_id: strawberry.ID | None = strawberry.UNSET
    """Who."""
    starts_at: datetime | None = strawberry.UNSET
    """From when."""
    ends_at: datetime | None = strawberry.UNSET
    """Until when."""
    state: AppointmentState | None = strawberry.UNSET
    """What became of it."""
    note: str | None = strawberry.UNSET
    """What else is to be known; null removes it."""


@strawberry.input
class CreateKbArticleInput(Command):
    """A new article."""

    title: str
    """What it is about."""
    body: str
    """What is to be known."""
    visibility: KbVisibility = KbVisibility.INTERNAL
    """Whom it will be for."""
    customer_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The customers that it will be for; none means all."
    )
    tags: list[str] = strawberry.field(default_factory=list, description="Words by which it is found again.")
    review_at: Date | None = None
    """When somebody should read it again."""


@strawberry.input
class UpdateKbArticleInput(Change):
    """Changes to an article; what is absent stays."""

    id: strawberry.ID
    """The article."""
    title: str | None = strawberry.UNSET
    """What it is about."""
    body: str | None = strawberry.UNSET
    """What is to be known."""
    visibility: KbVisibility | None = strawberry.UNSET
    """Whom it is for."""
    customer_ids: list[strawberry.ID] | None = strawberry.UNSET
    """The customers that it is for; none means all."""
    tags: list[str] | None = strawberry.UNSET
    """All words by which it is found again."""
    review_at: Date | None = strawberry.UNSET
    """When somebody should read it again; null removes it."""


@strawberry.input
class PublishKbArticleInput(Change):
    """An article that is ready."""

    id: strawberry.ID
    """The article."""


@strawberry.input
class ArchiveKbArticleInput(Change):
    """An article that is no longer true."""

    id: strawberry.ID
    """The article."""


@strawberry.type
class PlanningMutation:
    """What can be done with what is planned and written down."""

    @command(ASSIGN, TicketTemplatePayload)
    async def create_ticket_template(work: Work, input: CreateTicketTemplateInput) -> models.TicketTemplate:
        """Make a template."""
        steps = [{"text": one.text, "required": one.required} for one in input.checklist]
        return await planning.create_template(work, **{**given(input), "checklist": steps})

    @command(WRITE, TicketPayload)
    async def create_ticket_from_template(work: Work, input: CreateTicketFromTemplateInput) -> TicketRow:
        """Open the ticket that a template describes, with its steps."""
        return await planning.from_template(work, **given(input))

    @command(ASSIGN, RecurringTicketPayload)
    async def create_recurring_ticket(work: Work, input: CreateRecurringTicketInput) -> models.RecurringTicket:
        """Have a template become a ticket by a schedule."""
        return await planning.create_recurring(work, **given(input))

    @command(ASSIGN, RecurringTicketPayload)
    async def pause_recurring_ticket(work: Work, input: PauseRecurringTicketInput) -> models.RecurringTicket:
        """Let a recurring ticket rest, or come again."""
        return await planning.pause_recurring(work, **given(input))

    @command(WRITE, TicketPayload)
    async def schedule_ticket(work: Work, input: ScheduleTicketInput) -> TicketRow:
        """Make an appointment for a ticket, which is SCHEDULED until somebody starts."""
        return await planning.schedule(work, **given(input))

    @command(ASSIGN, AppointmentPayload)
    async def create_appointment(work: Work, input: CreateAppointmentInput) -> models.Appointment:
        """Make an appointment, for a ticket or for something of our own."""
        return await planning.appoint(work, **given(input))

    @command(ASSIGN, AppointmentPayload)
    async def update_appointment(work: Work, input: UpdateAppointmentInput) -> models.Appointment:
        """Move an appointment, or say what became of it."""
        return await planning.change_appointment(work, **given(input))

    @command(KB_WRITE, KbArticlePayload)
    async def create_kb_article(work: Work, input: CreateKbArticleInput) -> models.KbArticle:
        """Write an article; nobody outside sees it before it is published."""
        return await knowledge.write(work, **given(input))

    @command(KB_WRITE, KbArticlePayload)
    async def update_kb_article(work: Work, input: UpdateKbArticleInput) -> models.KbArticle:
        """Change an article."""
        return await knowledge.change(work, **_without_nulls(given(input)))

    @command(KB_WRITE, KbArticlePayload)
    async def publish_kb_article(work: Work, input: PublishKbArticleInput) -> models.KbArticle:
        """Show an article to whom it is for."""
        return await knowledge.publish(work, **given(input))

    @command(KB_WRITE, KbArticlePayload)
    async def archive_kb_article(work: Work, input: ArchiveKbArticleInput) -> models.KbArticle:
        """Take an article out of use."""
        return await knowledge.archive(work, **given(input))


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    """What was given, without the nulls that cannot mean anything."""
    return {name: value for name, value in values.items() if value is not None or name == "review_at"}
