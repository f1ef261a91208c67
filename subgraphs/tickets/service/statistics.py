"""How much there is to do: counted in one statement for all who are asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.kit.work import Work
from subgraphs.tickets.models.sla import SlaClock
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules.sla import SlaClockState
from subgraphs.tickets.rules.tickets import CATEGORY, DONE, TicketStatusCategory

_WAITING = [status for status, category in CATEGORY.items() if category is TicketStatusCategory.WAITING]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many tickets there are."""

    open: int = 0
    waiting: int = 0
    unassigned: int = 0
    breached: int = 0
    resolved: int = 0


async def of_customers(work: Work, customers: Sequence[UUID]) -> Mapping[UUID, Sequence[Numbers]]:
    """The numbers of each customer, in a list of one."""
    return await _counted(work, Ticket.customer_id, customers)


async def of_assignees(work: Work, users: Sequence[UUID]) -> Mapping[UUID, Sequence[Numbers]]:
    """The numbers of each user, in a list of one."""
    return await _counted(work, Ticket.assignee_id, users)


async def _counted(work: Work, column: Any, parents: Sequence[UUID]) -> Mapping[UUID, Sequence[Numbers]]:
    is_open = Ticket.status.not_in(DONE)
    broken = (
        select(SlaClock.id)
        .where(
            SlaClock.tenant_id == Ticket.tenant_id,
            SlaClock.ticket_id == Ticket.id,
            SlaClock.state == SlaClockState.BREACHED,
        )
        .exists()
    )
    query = (
        select(
            column,
            func.count().filter(is_open),
            func.count().filter(Ticket.status.in_(_WAITING)),
            func.count().filter(is_open, Ticket.assignee_id.is_(None)),
            func.count().filter(is_open, broken),
            func.count().filter(Ticket.resolved_at.is_not(None)),
        )
        .where(column.in_(parents))
        .group_by(column)
    )
    found = {row[0]: Numbers(*row[1:]) for row in await work.session.execute(query)}
    return {one: [found.get(one, Numbers())] for one in parents}
