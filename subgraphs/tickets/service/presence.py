"""Who has a ticket open at this moment, so that two do not answer at once.

    subscribed ──► a row of one's own ──► every few seconds: "still here", and who else is ──► the list, when it changed
    gone       ──► the row is taken away; of a process that died it counts no more after `LASTS`

Presence is no fact of the business: nobody audits, replays or bills it. So it is no event, and does not go through the
outbox; every watcher looks by itself, as the caller, so that whoever may no longer see the ticket sees nobody either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from subgraphs.kit.errors import Forbidden, NotFound
from subgraphs.kit.ids import parsed, uuid7
from subgraphs.kit.live import Asking
from subgraphs.kit.work import Work
from subgraphs.tickets.models.macros import TicketPresence
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules.tickets import INSIDERS

READ: Final = "tickets:read"
EVERY_SECONDS: Final = 3.0
LASTS: Final = timedelta(seconds=12)
_MOST: Final = 50

Seen = tuple[tuple[UUID, bool, datetime], ...]
"""Who is there: the user, whether they write, and since when."""


async def watch(
    asking: Asking, identity: str, *, editing: bool, every: float = EVERY_SECONDS
) -> AsyncGenerator[Seen, None]:
    """Be seen at a ticket, and see who else is: at once, and whenever that changes."""
    if asking.caller.kind not in INSIDERS:
        raise Forbidden("Who works on a ticket is seen by those who do.")
    ticket, visit, shown = parsed(identity), uuid7(), None
    try:
        while True:
            async with asking.work(READ) as work:
                seen = await _look(work, ticket, visit, editing=editing)
            if seen != shown:
                shown = seen
                yield seen
            await asyncio.sleep(every)
    finally:
        async with asking.work(READ) as work:
            await work.session.execute(delete(TicketPresence).where(TicketPresence.visit == visit))


async def _look(work: Work, identity: UUID | None, visit: UUID, *, editing: bool) -> Seen:
    ticket = await work.find(Ticket, identity) if identity else None
    if ticket is None:
        raise NotFound("There is no ticket with this id.", field="id")
    row = {
        "tenant_id": work.caller.tenant,
        "ticket_id": ticket.id,
        "visit": visit,
        "customer_id": ticket.customer_id,
        "user_id": work.caller.subject,
        "is_editing": editing,
        "since": work.at,
        "seen_at": work.at,
    }
    made = insert(TicketPresence).values(row)
    keys = ["tenant_id", "ticket_id", "visit"]
    await work.session.execute(made.on_conflict_do_update(index_elements=keys, set_={"seen_at": work.at}))
    gone = delete(TicketPresence).where(TicketPresence.ticket_id == ticket.id, TicketPresence.seen_at < work.at - LASTS)
    await work.session.execute(gone.execution_options(synchronize_session=False))
    query = select(TicketPresence).where(TicketPresence.ticket_id == ticket.id)
    rows = await work.session.scalars(query.order_by(TicketPresence.since, TicketPresence.visit).limit(_MOST))
    return _people(rows.all())


def _people(rows: Sequence[TicketPresence]) -> Seen:
    """Each person once, though they have it open in several windows; the first to come first."""
    found: dict[UUID, tuple[UUID, bool, datetime]] = {}
    for row in rows:
        before = found.get(row.user_id)
        since, editing = (before[2], before[1]) if before else (row.since, False)
        found[row.user_id] = (row.user_id, editing or row.is_editing, since)
    return tuple(found.values())
