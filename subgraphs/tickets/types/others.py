"""What the service desk adds to the entities of other modules: tickets, time, and how much there is to do."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.tickets.rules import tickets as rules
from subgraphs.tickets.service import statistics, time_entries
from subgraphs.tickets.service import tickets as service
from subgraphs.tickets.types.tickets import READ, StatusWord, Ticket, TicketStats
from subgraphs.tickets.types.time_entries import READ as TIME_READ
from subgraphs.tickets.types.time_entries import TimeEntry

Since = Annotated[datetime | None, strawberry.argument(description="Begun at this moment or later.")]
Until = Annotated[datetime | None, strawberry.argument(description="Begun before this moment.")]


@entity(keys=["id"])
class Contact:
    """The tickets that somebody asked for; the contact is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def tickets(
        self, info: Info, status: StatusWord = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Ticket] | None:
        """The tickets that they asked for, newest first."""
        wanted = {"statuses": rules.statuses(status), "limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(service.of_contacts, self.id, READ, **wanted)
        return [Ticket.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The contact that the graph is at."""
        return cls(id=id)


@entity(keys=["id"])
class User:
    """What somebody has to do, and what they did; the user is `auth`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def assigned_tickets(
        self, info: Info, status: StatusWord = "open", limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Ticket] | None:
        """The tickets that they have, newest first."""
        wanted = {"statuses": rules.statuses(status), "limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(service.of_assignees, self.id, READ, **wanted)
        return [Ticket.of(row) for row in rows]

    @strawberry.field
    async def time_entries(
        self, info: Info, since: Since = None, until: Until = None, limit: Limit = DEFAULT_LIMIT
    ) -> list[TimeEntry] | None:
        """The time that they worked, newest first."""
        span = {"since": since, "until": until, "limit": bounded(limit)}
        rows = await info.context.lists(time_entries.of_users, self.id, TIME_READ, **span)
        return [TimeEntry.of(row) for row in rows]

    @strawberry.field
    async def workload(self, info: Info) -> TicketStats | None:
        """How much they have to do."""
        found = await info.context.lists(statistics.of_assignees, self.id, READ)
        return TicketStats.of(found[0]) if found else None

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The user that the graph is at."""
        return cls(id=id)


@entity(keys=["id"])
class Contract:
    """The time for which a contract was named; the contract is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def time_entries(
        self, info: Info, since: Since = None, until: Until = None, limit: Limit = DEFAULT_LIMIT
    ) -> list[TimeEntry] | None:
        """The time for which it was named, newest first."""
        span = {"since": since, "until": until, "limit": bounded(limit)}
        rows = await info.context.lists(time_entries.of_contracts, self.id, TIME_READ, **span)
        return [TimeEntry.of(row) for row in rows]

    @strawberry.field
    async def consumed_hours(self, info: Info, since: Since = None, until: Until = None) -> Decimal | None:
        """The approved hours for which it was named, after rounding and times their multiples."""
        found = await info.context.lists(time_entries.consumed, self.id, TIME_READ, since=since, until=until)
        return found[0] if found else None

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The contract that the graph is at."""
        return cls(id=id)
