"""What can be asked, said and watched about what makes work quicker: macros, and who has a ticket open."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets.models import macros as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.resolvers.planning import TemplateStepInput
from subgraphs.tickets.rules.tickets import TicketPriority
from subgraphs.tickets.service import macros, presence
from subgraphs.tickets.types.macros import INTERNAL, Macro, MacroPayload, TicketPresence
from subgraphs.tickets.types.tickets import TicketPayload

WRITE = "tickets:write"
ASSIGN = "tickets:assign"


@strawberry.type
class MacroQuery:
    """What can be asked about macros."""

    @strawberry.field
    async def macros(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Macro]:
        """The macros, by name; for those who may read internal notes."""
        query = macros.selected().order_by(models.Macro.name, models.Macro.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(INTERNAL) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [Macro.of(row) for row in rows]


@strawberry.input
class CreateMacroInput(Command):
    """A new macro; it does at least one thing."""

    name: str
    """What people will call it."""
    reply: str | None = None
    """What is answered to the customer."""
    note: str | None = None
    """What is written down for ourselves."""
    priority: TicketPriority | None = None
    """The priority that the ticket gets."""
    queue_id: strawberry.ID | None = None
    """The queue that the ticket goes to."""
    assign_to_me: bool = False
    """Whether whoever applies it gets the ticket."""
    tags: list[str] = strawberry.field(default_factory=list, description="The words that are added to the ticket's.")
    checklist: list[TemplateStepInput] = strawberry.field(
        default_factory=list, description="The steps that the ticket gets."
    )
    resolution: str | None = None
    """How it was solved: with this the ticket is resolved."""


@strawberry.input
class UpdateMacroInput(Change):
    """What is changed of a macro; what is absent stays."""

    id: strawberry.ID
    """The macro."""
    name: str | None = strawberry.UNSET
    """What people call it."""
    reply: str | None = strawberry.UNSET
    """What is answered to the customer; null: nothing."""
    note: str | None = strawberry.UNSET
    """What is written down for ourselves; null: nothing."""
    priority: TicketPriority | None = strawberry.UNSET
    """The priority that the ticket gets; null: it keeps its own."""
    queue_id: strawberry.ID | None = strawberry.UNSET
    """The queue that the ticket goes to; null: it stays."""
    assign_to_me: bool | None = strawberry.UNSET
    """Whether whoever applies it gets the ticket."""
    tags: list[str] | None = strawberry.UNSET
    """The words that are added to the ticket's."""
    checklist: list[TemplateStepInput] | None = strawberry.UNSET
    """The steps that the ticket gets."""
    resolution: str | None = strawberry.UNSET
    """How it was solved; null: the ticket is not resolved."""


@strawberry.input
class ArchiveMacroInput(Change):
    """The macro that is put away."""

    id: strawberry.ID
    """The macro."""


@strawberry.input
class ApplyMacroInput(Change):
    """A ticket, and what is done with it."""

    id: strawberry.ID
    """The ticket."""
    macro_id: strawberry.ID
    """The macro."""


def _with_steps(entered: CreateMacroInput | UpdateMacroInput) -> dict[str, Any]:
    values = given(entered)
    if values.get("checklist"):
        values["checklist"] = [{"text": one.text, "required": one.required} for one in values["checklist"]]
    return values


@strawberry.type
class MacroMutation:
    """What can be done with macros."""

    @command(ASSIGN, MacroPayload)
    async def create_macro(work: Work, input: CreateMacroInput) -> models.Macro:
        """Write a macro."""
        return await macros.create(work, **_with_steps(input))

    @command(ASSIGN, MacroPayload)
    async def update_macro(work: Work, input: UpdateMacroInput) -> models.Macro:
        """Change a macro."""
        return await macros.update(work, **_with_steps(input))

    @command(ASSIGN, MacroPayload)
    async def archive_macro(work: Work, input: ArchiveMacroInput) -> models.Macro:
        """Put a macro away."""
        return await macros.archive(work, **given(input))

    @command(WRITE, TicketPayload)
    async def apply_macro(work: Work, input: ApplyMacroInput) -> TicketRow:
        """Do with a ticket what a macro says: all of it, or nothing when one part is refused."""
        return await macros.apply(work, **given(input))


@strawberry.type
class PresenceSubscription:
    """What can be watched about those who work."""

    @strawberry.subscription
    async def ticket_presence(
        self,
        info: Info,
        id: strawberry.ID,
        editing: bool = False,  # noqa: FBT001, FBT002 - GraphQL names its arguments
    ) -> AsyncGenerator[TicketPresence, None]:
        """Be seen at a ticket, and see who else has it open; `editing: true` says that you write an answer."""
        async with aclosing(presence.watch(info.context, id, editing=editing)) as found:
            async for seen in found:
                yield TicketPresence(ticket_id=id, seen=seen)
