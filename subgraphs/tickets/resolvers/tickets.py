"""Tickets by GraphQL: unpack, begin work, call the service, shape the answer."""

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
from subgraphs.tickets.models import tickets as models
from subgraphs.tickets.models.sla import SlaClock as SlaClockRow
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import TicketPriority, TicketSource, TicketType
from subgraphs.tickets.service import following, messages, moves, sla
from subgraphs.tickets.service import tickets as service
from subgraphs.tickets.types.sla import SlaClock
from subgraphs.tickets.types.tickets import (
    READ,
    StatusWord,
    Ticket,
    TicketFilter,
    TicketPayload,
)

WRITE = "tickets:write"
ASSIGN = "tickets:assign"
SLA_WRITE = "sla:write"


@strawberry.type
class TicketQuery:
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
    priority: TicketPriority | None = None
    """How urgent it is; when absent, impact and urgency decide, then the queue."""
    impact: TicketLevel | None = None
    """How far it reaches."""
    urgency: TicketLevel | None = None
    """How soon it hurts."""
    source: TicketSource = TicketSource.API
    """How it came in."""
    contact_id: strawberry.ID | None = None
    """The person who asked for it."""
    asset_id: strawberry.ID | None = None
    """The asset that it is about; it must be the customer's."""
    site_id: strawberry.ID | None = None
    """The site where the work is; it must be the customer's."""
    contract_id: strawberry.ID | None = None
    """The contract that shall pay for it, when it is to be a certain one."""
    queue_id: strawberry.ID | None = None
    """The queue in which it waits; `Service Desk` when absent."""
    category_id: strawberry.ID | None = None
    """What it is about, in the tenant's tree."""
    parent_id: strawberry.ID | None = None
    """The ticket of the same customer that it is a part of."""
    team_id: strawberry.ID | None = None
    """The team that has it."""
    requester_email: str | None = None
    """The mail address that it came from."""
    tags: list[str] = strawberry.field(default_factory=list, description="Words by which it is found again.")
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
    site_id: strawberry.ID | None = strawberry.UNSET
    """The site where the work is; null removes it."""
    contract_id: strawberry.ID | None = strawberry.UNSET
    """The contract that shall pay for it; null leaves that to the rules of coverage."""
    category_id: strawberry.ID | None = strawberry.UNSET
    """What it is about, in the tenant's tree; null removes it."""
    tags: list[str] | None = strawberry.UNSET
    """All words by which it is found again."""
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
    team_id: strawberry.ID | None = None
    """The team that gets it; absent leaves it with the team that has it."""


@strawberry.input
class ChangePriorityInput(TicketMove):
    """How urgent a ticket is from now on."""

    priority: TicketPriority | None = None
    """The new priority; when absent, impact and urgency decide."""
    impact: TicketLevel | None = None
    """How far it reaches."""
    urgency: TicketLevel | None = None
    """How soon it hurts."""


@strawberry.input
class SetDueDateInput(TicketMove):
    """When a ticket is due, whatever its clocks say."""

    due_at: datetime | None = None
    """When it is due; null gives the date back to the clocks."""


@strawberry.input
class ChangeQueueInput(TicketMove):
    """Where a ticket waits from now on."""

    queue_id: strawberry.ID
    """The queue."""


@strawberry.input
class SetSubStatusInput(TicketMove):
    """The tenant's own word for where a ticket stands."""

    sub_status_id: strawberry.ID | None = None
    """The sub-status, one of the ticket's status; null takes it away."""


@strawberry.input
class SetSlaPolicyInput(TicketMove):
    """What is promised for this ticket alone."""

    policy_id: strawberry.ID | None = None
    """The policy; null lets contract, customer, queue and tenant decide."""


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
class TicketMutation:
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
        return await moves.assign(work, **given(input))

    @command(WRITE, TicketPayload)
    async def change_priority(work: Work, input: ChangePriorityInput) -> models.Ticket:
        """Make a ticket more or less urgent."""
        return await service.prioritise(work, **given(input))

    @command(WRITE, TicketPayload)
    async def set_due_date(work: Work, input: SetDueDateInput) -> models.Ticket:
        """Say when a ticket is due; no clock moves that date."""
        return await service.set_due_date(work, **given(input))

    @command(WRITE, TicketPayload)
    async def change_queue(work: Work, input: ChangeQueueInput) -> models.Ticket:
        """Put a ticket into another queue."""
        return await service.change_queue(work, **given(input))

    @command(WRITE, TicketPayload)
    async def set_sub_status(work: Work, input: SetSubStatusInput) -> models.Ticket:
        """Give the status of a ticket a word of your own; one that pauses stops the clock of the resolution."""
        return await service.set_sub_status(work, **given(input))

    @command(SLA_WRITE, TicketPayload)
    async def set_sla_policy(work: Work, input: SetSlaPolicyInput) -> models.Ticket:
        """Promise something else for one ticket; its clocks are replayed."""
        return await service.set_sla_policy(work, **given(input))

    @command(WRITE, TicketPayload)
    async def start_ticket(work: Work, input: StartTicketInput) -> models.Ticket:
        """Begin to work on a ticket that somebody has."""
        return await moves.start(work, **given(input))

    @command(WRITE, TicketPayload)
    async def wait_for_customer(work: Work, input: WaitForCustomerInput) -> models.Ticket:
        """Ask the customer something; their answer opens the ticket again."""
        return await moves.wait_for_customer(work, **given(input))

    @command(WRITE, TicketPayload)
    async def wait_for_vendor(work: Work, input: WaitForVendorInput) -> models.Ticket:
        """Hand a ticket to a vendor, under the vendor's number for it."""
        return await moves.wait_for_vendor(work, **given(input))

    @command(WRITE, TicketPayload)
    async def resolve_ticket(work: Work, input: ResolveTicketInput) -> models.Ticket:
        """Say that a ticket is done, and how."""
        return await moves.resolve(work, **given(input))

    @command(WRITE, TicketPayload)
    async def reopen_ticket(work: Work, input: ReopenTicketInput) -> models.Ticket:
        """Take back that a ticket is done, within ten business days."""
        return await moves.reopen(work, **given(input))

    @command(WRITE, TicketPayload)
    async def close_ticket(work: Work, input: CloseTicketInput) -> models.Ticket:
        """Close a resolved ticket for good."""
        return await moves.close(work, **given(input))

    @command(WRITE, TicketPayload)
    async def cancel_ticket(work: Work, input: CancelTicketInput) -> models.Ticket:
        """Decide that a ticket will not be done."""
        return await moves.cancel(work, **given(input))

    @command(WRITE, TicketPayload)
    async def reply_to_ticket(work: Work, input: ReplyToTicketInput) -> models.Ticket:
        """Say something to the other side: staff to the customer, customers to us."""
        return await following.reply(work, **given(input))

    @command(WRITE, TicketPayload)
    async def add_note(work: Work, input: AddNoteInput) -> models.Ticket:
        """Write something down that customers never see."""
        return await messages.note(work, **given(input))


@strawberry.type
class TicketSubscription:
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

    @strawberry.subscription
    async def ticket_feed(
        self, info: Info, queue_id: strawberry.ID | None = None, customer_id: strawberry.ID | None = None
    ) -> AsyncGenerator[Ticket, None]:
        """The tickets of a queue, of a customer, or of both, each time when something happened to one."""
        where = service.of_place(queue_id, customer_id)
        async with aclosing(live.changes(info.context, models.Ticket, READ, where=where, tells=service.tells)) as rows:
            async for row in rows:
                yield Ticket.of(row)

    @strawberry.subscription
    async def sla_warnings(self, info: Info) -> AsyncGenerator[SlaClock, None]:
        """The clocks of which a threshold was reached, or that were broken, at that moment."""
        async with aclosing(live.changes(info.context, SlaClockRow, READ, tells=sla.tells)) as rows:
            async for row in rows:
                shown = await info.context.lists(sla.clocks_of, row.ticket_id, READ)
                for one in shown:
                    if one.row.id == row.id:
                        yield SlaClock.of(one)
