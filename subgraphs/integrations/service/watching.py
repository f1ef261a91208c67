"""Looks at the registry once a minute, and tells when a module comes or goes: `service.registered`, `service.down`.

    a minute is over ──► ask the registry ──► compare with what was told last ──► tell, and remember
                              │ it does not answer: nobody knows anything, so nothing is told
                              └──► the next minute

The registry lives in the router and has no memory of ours; what was told lies here, per tenant, because each tenant is told
for itself. Minutes have names, so that however many ask for the next look there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import select

from contracts.events import integrations as events
from subgraphs.integrations.models.services import KnownService
from subgraphs.integrations.rules import registry as rules
from subgraphs.integrations.rules.registry import Registered, ServiceStatus, Turn
from subgraphs.integrations.service import registry
from subgraphs.kit import jobs
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Unavailable
from subgraphs.kit.inbox import Begin
from subgraphs.kit.jobs import Errand, Payload
from subgraphs.kit.work import Work

_WATCH: Final = "integrations.watch"
_EVERY: Final = timedelta(minutes=1)
_SERVICES: Final = uuid5(NAMESPACE_DNS, "services.psa-platform.org")


async def watch(work: Work) -> None:
    """Have the registry looked at when this minute is over."""
    at = datetime.fromtimestamp((work.at.timestamp() // 60 + 1) * 60, work.at.tzinfo)
    await jobs.enqueue(work, _WATCH, {}, at=at, key=f"{_WATCH}/{at.isoformat()}")


async def look(begin: Begin, asking: Caller, _payload: Payload) -> None:
    """Look once, and have it looked again."""
    async with begin(asking, command="watch") as work:
        await watch(work)
        settings, at = work.settings, work.at
    try:
        found = await registry.registered(settings, at)
    except Unavailable:
        return
    async with begin(asking, command="watch") as work:
        await compare(work, found)


LOOK: Final = Errand(_WATCH, look)


async def compare(work: Work, found: Sequence[Registered]) -> None:
    """Tell what changed since the last look."""
    query = select(KnownService).order_by(KnownService.module).with_for_update()
    known = {row.module: row for row in (await work.session.scalars(query)).all()}
    for turn in rules.turns({name: (row.version, row.status) for name, row in known.items()}, found):
        await _tell(work, turn, known.get(turn.name))


async def _tell(work: Work, turn: Turn, row: KnownService | None) -> None:
    now = turn.now
    if row is None:
        assert now is not None  # noqa: S101 - only what is there can be new
        row = KnownService(module=turn.name)
        work.session.add(row)
    if now is not None:
        row.version, row.url, row.heartbeat_at = now.version, now.url, now.heartbeat_at
    row.status, row.since = turn.status, work.at
    facts = {"module": row.module, "version": row.version, "url": row.url, "heartbeat_at": row.heartbeat_at}
    if turn.status is ServiceStatus.DOWN:
        await work.emit(events.ServiceDown(**facts), subject=identity(row.module))
    else:
        await work.emit(events.ServiceRegistered(**facts, status=turn.status.value), subject=identity(row.module))


def identity(module: str) -> UUID:
    """The id of a module as the subject of events: the same in every tenant and on every platform."""
    return uuid5(_SERVICES, module)
