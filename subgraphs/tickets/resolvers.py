"""The ways into the service desk by GraphQL: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

import strawberry

from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets import models, service
from subgraphs.tickets.rules import TicketPriority, TicketSource, TicketType
from subgraphs.tickets.types import (
    READ,
    StatusWord,
    Ticket,
    TicketFilter,
    TicketPayload,
)

WRITE = "tickets:write"
ASSIGN = "tickets:assign"


@strawberry.type
class Query:
    """What can be asked about tickets."""

    @strawberry.field
    async def ticket(self, info: Info, id: strawberry.ID) -> Ticket | None:
        """One ticket, by its UUID or its number; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await service.find(work, id)
        return Ticket.of(row) if row else None

    @strawberry.field
    async def tickets(
        self,
        info: Info,
        status: StatusWord = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Ticket]:
        """Tickets, newest first."""
        async with info.context.work(READ) as work:
            rows = await service.listed(
                work, status=status, customer_id=customer_id, limit=bounded(limit), offset=skipped(offset)
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
        filter: TicketFilter | None = None,
        search: str | None = None,
        status: StatusWord = None,
    ) -> Connection[Ticket]:
        """Tickets page by page, newest first; `search` looks into titles and numbers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(status=status, wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Ticket, service.NEWEST_FIRST, wanted, Ticket.of, count=count)


@strawberry.input
class CreateTicketInput(Command):
    """A new ticket."""

    customer_id: strawberry.ID
    """The customer whom the work is for."""
    title: str
    """What it is about, in one line of at most 200 characters."""
    description: str | None = None
    """What it is about, in full."""
    type: TicketType = TicketType.INCIDENT
    """What kind of work it is."""
    priority: TicketPriority = TicketPriority.P3
    """How urgent it is."""
    source: TicketSource = TicketSource.API
    """How it came in."""
    contact_id: strawberry.ID | None = None
    """The person who asked for it."""
    asset_id: strawberry.ID | None = None
    """The asset that it is about; it must be the customer's."""
    assignee_id: strawberry.ID | None = None
    """The user who has it from the start; without one it is NEW."""
    due_at: datetime | None = None
    """When it should be done."""


@strawberry.input
class UpdateTicketInput(Change):
    """Changes to what describes a ticket; what is absent stays."""

    id: strawberry.ID
    """The ticket."""
    title: str | None = strawberry.UNSET
    """What it is about, in one line of at most 200 characters."""
    description: str | None = strawberry.UNSET
    """What it is about, in full; null removes it."""
    type: TicketType | None = strawberry.UNSET
    """What kind of work it is."""
    contact_id: strawberry.ID | None = strawberry.UNSET
    """The person who asked for it; null removes it."""
    asset_id: strawberry.ID | None = strawberry.UNSET
    """The asset that it is about; null removes it."""
    due_at: datetime | None = strawberry.UNSET
    """When it should be done; null removes it."""


@strawberry.input
class TicketMove(Change):
    """The ticket that a command is about."""

    id: strawberry.ID
    """The ticket."""


@strawberry.input
class StartTicketInput(TicketMove):
    """The ticket that somebody begins to work on."""


@strawberry.input
class CloseTicketInput(TicketMove):
    """The ticket that is done for good."""


@strawberry.input
class AssignTicketInput(TicketMove):
    """Who gets a ticket."""

    assignee_id: strawberry.ID | None = None
    """The user who gets it; null takes it away from whoever has it."""


@strawberry.input
class ChangePriorityInput(TicketMove):
    """How urgent a ticket is from now on."""

    priority: TicketPriority
    """The new priority."""


@strawberry.input
class WaitForCustomerInput(TicketMove):
    """A question to the customer."""

    reply: str
    """What the customer is asked; it becomes a public reply."""


@strawberry.input
class WaitForVendorInput(TicketMove):
    """A vendor who has to do something."""

    vendor_reference: str
    """The vendor's own number for it."""


@strawberry.input
class ResolveTicketInput(TicketMove):
    """How a ticket was resolved."""

    resolution: str
    """What was done, in words for the customer."""
    resolution_code: str | None = None
    """The kind of resolution, as a code of yours."""


@strawberry.input
class ReopenTicketInput(TicketMove):
    """Why a resolution does not hold."""

    reason: str | None = None
    """What is still wrong."""


@strawberry.input
class CancelTicketInput(TicketMove):
    """Why a ticket will not be done."""

    reason: str
    """Why it will not be done."""


@strawberry.input
class ReplyToTicketInput(Command):
    """Something to say to the other side."""

    id: strawberry.ID
    """The ticket."""
    body_text: str
    """What is said, as plain text."""


@strawberry.input
class AddNoteInput(ReplyToTicketInput):
    """Something to write down among us."""


@strawberry.type
class Mutation:
    """What can be done with tickets."""

    @command(WRITE, TicketPayload)
    async def create_ticket(work: Work, input: CreateTicketInput) -> models.Ticket:
        """Open a ticket."""
        return await service.open_ticket(work, **given(input))

    @command(WRITE, TicketPayload)
    async def update_ticket(work: Work, input: UpdateTicketInput) -> models.Ticket:
        """Change what describes a ticket; its status has commands of its own."""
        return await service.change(work, **given(input))

    @command(ASSIGN, TicketPayload)
    async def assign_ticket(work: Work, input: AssignTicketInput) -> models.Ticket:
        """Give a ticket to somebody; a NEW one is OPEN from then on."""
        return await service.assign(work, **given(input))

    @command(WRITE, TicketPayload)
    async def change_priority(work: Work, input: ChangePriorityInput) -> models.Ticket:
        """Make a ticket more or less urgent."""
        return await service.prioritise(work, **given(input))

    @command(WRITE, TicketPayload)
    async def start_ticket(work: Work, input: StartTicketInput) -> models.Ticket:
        """Begin to work on a ticket that somebody has."""
        return await service.start(work, **given(input))

    @command(WRITE, TicketPayload)
    async def wait_for_customer(work: Work, input: WaitForCustomerInput) -> models.Ticket:
        """Ask the customer something; their answer opens the ticket again."""
        return await service.wait_for_customer(work, **given(input))

    @command(WRITE, TicketPayload)
    async def wait_for_vendor(work: Work, input: WaitForVendorInput) -> models.Ticket:
        """Hand a ticket to a vendor, under the vendor's number for it."""
        return await service.wait_for_vendor(work, **given(input))

    @command(WRITE, TicketPayload)
    async def resolve_ticket(work: Work, input: ResolveTicketInput) -> models.Ticket:
        """Say that a ticket is done, and how."""
        return await service.resolve(work, **given(input))

    @command(WRITE, TicketPayload)
    async def reopen_ticket(work: Work, input: ReopenTicketInput) -> models.Ticket:
        """Take back that a ticket is done, within ten business days."""
        return await service.reopen(work, **given(input))

    @command(WRITE, TicketPayload)
    async def close_ticket(work: Work, input: CloseTicketInput) -> models.Ticket:
        """Close a resolved ticket for good."""
        return await service.close(work, **given(input))

    @command(WRITE, TicketPayload)
    async def cancel_ticket(work: Work, input: CancelTicketInput) -> models.Ticket:
        """Decide that a ticket will not be done."""
        return await service.cancel(work, **given(input))

    @command(WRITE, TicketPayload)
    async def reply_to_ticket(work: Work, input: ReplyToTicketInput) -> models.Ticket:
        """Say something to the other side: staff to the customer, customers to us."""
        return await service.reply(work, **given(input))

    @command(WRITE, TicketPayload)
    async def add_note(work: Work, input: AddNoteInput) -> models.Ticket:
        """Write something down that customers never see."""
        return await service.note(work, **given(input))


@strawberry.type
class Subscription:
    """What can be watched about tickets."""

    @strawberry.subscription
    async def ticket_updated(self, info: Info, id: strawberry.ID) -> AsyncGenerator[Ticket, None]:
        """A ticket, each time when something happened to it."""
        async with aclosing(live.changes(info.context, models.Ticket, READ, identity=id, tells=service.tells)) as rows:
            async for row in rows:
                yield Ticket.of(row)

    @strawberry.subscription
    async def tickets_updated(
        self, info: Info, customer_id: strawberry.ID | None = None
    ) -> AsyncGenerator[Ticket, None]:
        """Tickets, new ones too, each time when something happened to one: all that you may see, or those of a customer."""
        rows = live.changes(
            info.context, models.Ticket, READ, where=service.of_customer(customer_id), tells=service.tells
        )
        async with aclosing(rows):
            async for row in rows:
                yield Ticket.of(row)
