"""Queues, categories, sub-statuses and settings by GraphQL."""

from __future__ import annotations

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets.models import desk as models
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import QueueVisibility, TicketPriority, TicketStatus
from subgraphs.tickets.service import defaults
from subgraphs.tickets.service import desk as service
from subgraphs.tickets.types.desk import (
    READ,
    Category,
    CategoryPayload,
    DeskSettings,
    DeskSettingsPayload,
    Queue,
    QueuePayload,
    SubStatus,
    SubStatusPayload,
)

ASSIGN = "tickets:assign"
ADMIN = "tenant:admin"


@strawberry.type
class DeskQuery:
    """What can be asked about how the desk is ordered."""

    @strawberry.field
    async def queues(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Queue]:
        """The queues, by name."""
        async with info.context.work(READ) as work:
            await defaults.settings(work)
            rows = (await work.session.scalars(service.queues().limit(bounded(limit)).offset(skipped(offset)))).all()
        return [Queue.of(row) for row in rows]

    @strawberry.field
    async def ticket_categories(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Category]:
        """What tickets are about, by path."""
        async with info.context.work(READ) as work:
            query = service.categories().limit(bounded(limit)).offset(skipped(offset))
            rows = (await work.session.scalars(query)).all()
        return [Category.of(row) for row in rows]

    @strawberry.field
    async def ticket_sub_statuses(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[SubStatus]:
        """The tenant's own words below the statuses."""
        async with info.context.work(READ) as work:
            query = service.sub_statuses().limit(bounded(limit)).offset(skipped(offset))
            rows = (await work.session.scalars(query)).all()
        return [SubStatus.of(row) for row in rows]

    @strawberry.field
    async def desk_settings(self, info: Info) -> DeskSettings | None:
        """What the tenant decided about its desk."""
        async with info.context.work(READ) as work:
            return DeskSettings.of(await defaults.settings(work))


@strawberry.input
class CreateQueueInput(Command):
    """A new queue."""

    name: str
    """What people will call it."""
    email: str | None = None
    """The mail address whose mails become its tickets."""
    default_priority: TicketPriority = TicketPriority.P3
    """How urgent a ticket is of which nobody said it."""
    visibility: QueueVisibility = QueueVisibility.SHARED
    """Who sees its tickets."""


@strawberry.input
class UpdateQueueInput(Change):
    """Changes to a queue; what is absent stays."""

    id: strawberry.ID
    """The queue."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    email: str | None = strawberry.UNSET
    """The mail address whose mails become its tickets; null removes it."""
    default_priority: TicketPriority | None = strawberry.UNSET
    """How urgent a ticket is of which nobody said it."""
    visibility: QueueVisibility | None = strawberry.UNSET
    """Who sees its tickets."""


@strawberry.input
class ArchiveQueueInput(Change):
    """A queue that is no longer used."""

    id: strawberry.ID
    """The queue."""


@strawberry.input
class CreateTicketCategoryInput(Command):
    """A new category."""

    name: str
    """What people will call it."""
    parent_id: strawberry.ID | None = None
    """The category above it; a root when absent."""


@strawberry.input
class CreateSubStatusInput(Command):
    """A word of your own below a status."""

    label: str
    """The word."""
    status: TicketStatus
    """The status that it belongs to."""
    pauses_sla: bool = False
    """Whether the clock of the resolution stands still in it."""


@strawberry.input
class PriorityRuleInput:
    """Which priority follows from an impact and an urgency."""

    impact: TicketLevel
    """How far it reaches."""
    urgency: TicketLevel
    """How soon it hurts."""
    priority: TicketPriority
    """What follows."""


@strawberry.input
class UpdateDeskSettingsInput(Change):
    """How the desk works from now on; what is absent stays."""

    time_zone: str | None = None
    """The time zone in which days begin, as IANA names it."""
    priority_matrix: list[PriorityRuleInput] | None = None
    """The priorities that change."""
    reopen_within_business_days: int | None = None
    """For how many business days a resolved ticket may be reopened."""
    close_after_business_days: int | None = None
    """After how many business days a resolved ticket closes by itself."""
    changes_need_approval: bool | None = None
    """Whether a change waits for an approval also when nobody asked for one."""


@strawberry.type
class DeskMutation:
    """What can be done about how the desk is ordered."""

    @command(ASSIGN, QueuePayload)
    async def create_queue(work: Work, input: CreateQueueInput) -> models.Queue:
        """Make a queue."""
        return await service.create_queue(work, **given(input))

    @command(ASSIGN, QueuePayload)
    async def update_queue(work: Work, input: UpdateQueueInput) -> models.Queue:
        """Change a queue."""
        return await service.change_queue(work, **given(input))

    @command(ASSIGN, QueuePayload)
    async def archive_queue(work: Work, input: ArchiveQueueInput) -> models.Queue:
        """Take a queue out of use; its tickets keep it."""
        return await service.archive_queue(work, **given(input))

    @command(ASSIGN, CategoryPayload)
    async def create_ticket_category(work: Work, input: CreateTicketCategoryInput) -> models.Category:
        """Make a category of tickets."""
        return await service.create_category(work, **given(input))

    @command(ASSIGN, SubStatusPayload)
    async def create_sub_status(work: Work, input: CreateSubStatusInput) -> models.SubStatus:
        """Make a word of your own below a status."""
        return await service.create_sub_status(work, **given(input))

    @command(ADMIN, DeskSettingsPayload)
    async def update_desk_settings(work: Work, input: UpdateDeskSettingsInput) -> models.DeskSettings:
        """Decide how the desk works."""
        values = given(input)
        if input.priority_matrix is not None:
            values["priority_matrix"] = [
                {"impact": one.impact.value, "urgency": one.urgency.value, "priority": one.priority.value}
                for one in input.priority_matrix
            ]
        return await service.change_settings(work, **values)
