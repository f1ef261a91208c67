"""What orders the work of a desk, in the graph: queues, categories, sub-statuses and settings."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models import desk as models
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import QueueVisibility, TicketPriority, TicketStatus

READ = "tickets:read"

for spoken in (QueueVisibility, TicketPriority, TicketStatus):
    strawberry.enum(spoken)


@entity(keys=["id"])
class Queue:
    """A place where tickets wait for somebody."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    email: str | None
    """The mail address whose mails become its tickets."""
    default_priority: TicketPriority
    """How urgent a ticket is of which nobody said it."""
    visibility: QueueVisibility
    """Who sees its tickets."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.Queue) -> Self:
        """The queue in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The queue that another module points at."""
        row = await info.context.row(models.Queue, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class Category:
    """What tickets are about, in a tree."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    path: str
    """The names from the root: `Hardware / Printers`."""
    parent_id: strawberry.ID | None
    """The category above it."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.Category) -> Self:
        """The category in this row."""
        return shape(cls, row)


@strawberry.type
class SubStatus:
    """A tenant's own word below a status; programs rely on the status."""

    id: strawberry.ID
    """The identifier: a UUID."""
    label: str
    """The word."""
    status: TicketStatus
    """The status that it belongs to."""
    pauses_sla: bool
    """Whether the clock of the resolution stands still in it."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.SubStatus) -> Self:
        """The sub-status in this row."""
        return shape(cls, row)


@strawberry.type
class PriorityRule:
    """Which priority follows from an impact and an urgency."""

    impact: TicketLevel
    """How far it reaches."""
    urgency: TicketLevel
    """How soon it hurts."""
    priority: TicketPriority
    """What follows."""


@strawberry.type
class DeskSettings:
    """What a tenant decided about its desk."""

    id: strawberry.ID
    """The identifier: a UUID."""
    time_zone: str
    """The time zone in which days begin."""
    reopen_within_business_days: int
    """For how many business days a resolved ticket may be reopened."""
    close_after_business_days: int
    """After how many business days a resolved ticket closes by itself."""
    changes_need_approval: bool
    """Whether a change waits for an approval also when nobody asked for one."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[Any]

    @strawberry.field
    def priority_matrix(self, limit: Limit = DEFAULT_LIMIT) -> list[PriorityRule]:
        """The priority for each impact and urgency."""
        keys = ((one.split("/"), priority) for one, priority in self.stored.priority_matrix.items())
        rules = [
            PriorityRule(impact=TicketLevel(key[0]), urgency=TicketLevel(key[1]), priority=TicketPriority(priority))
            for key, priority in keys
        ]
        return rules[: bounded(limit)]

    @classmethod
    def of(cls, row: models.DeskSettings) -> Self:
        """The settings in this row."""
        return shape(cls, row, stored=row)


@strawberry.type
class QueuePayload:
    """What became of a command on a queue."""

    queue: Queue | None = None
    """The queue as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class CategoryPayload:
    """What became of a command on a category."""

    category: Category | None = None
    """The category as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class SubStatusPayload:
    """What became of a command on a sub-status."""

    sub_status: SubStatus | None = None
    """The sub-status as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class DeskSettingsPayload:
    """What became of a command on the settings of the desk."""

    settings: DeskSettings | None = None
    """The settings as they are now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
