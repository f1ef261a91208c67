"""How what makes work quicker looks: macros, and who has a ticket open."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models import macros as models
from subgraphs.tickets.rules.tickets import TicketPriority
from subgraphs.tickets.service.presence import Seen
from subgraphs.tickets.types.others import User
from subgraphs.tickets.types.planning import TemplateStep

INTERNAL = "tickets:read_internal"


@entity(keys=["id"])
class Macro:
    """Several things that are done with a ticket by one click, all of them or none."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    reply: str | None
    """What is answered to the customer."""
    note: str | None
    """What is written down for ourselves."""
    priority: TicketPriority | None
    """The priority that the ticket gets."""
    queue_id: strawberry.ID | None
    """The queue that the ticket goes to."""
    assign_to_me: bool
    """Whether whoever applies it gets the ticket."""
    tags: list[str]
    """The words that are added to the ticket's."""
    resolution: str | None
    """How it was solved: with this the ticket is resolved."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    steps: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    def checklist(self, limit: Limit = DEFAULT_LIMIT) -> list[TemplateStep]:
        """The steps that the ticket gets."""
        return [TemplateStep(text=one["text"], required=one["required"]) for one in self.steps[: bounded(limit)]]

    @classmethod
    def of(cls, row: models.Macro) -> Self:
        """The macro in this row."""
        return shape(cls, row, steps=row.checklist)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The macro that another module points at."""
        row = await info.context.row(models.Macro, id, INTERNAL)
        return cls.of(row) if row else None


@strawberry.type
class MacroPayload:
    """What became of a command on a macro."""

    macro: Macro | None = None
    """The macro as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class PresentUser:
    """Somebody who has a ticket open."""

    user: User
    """Who."""
    is_editing: bool
    """Whether they write an answer."""
    since: datetime
    """Since when."""


@strawberry.type
class TicketPresence:
    """Who has a ticket open at this moment, yourself among them."""

    ticket_id: strawberry.ID
    """The ticket."""
    seen: strawberry.Private[Seen]

    @strawberry.field
    def people(self, limit: Limit = DEFAULT_LIMIT) -> list[PresentUser]:
        """Each person once, the first to come first."""
        return [
            PresentUser(user=User(id=strawberry.ID(str(user))), is_editing=editing, since=since)
            for user, editing, since in self.seen[: bounded(limit)]
        ]
