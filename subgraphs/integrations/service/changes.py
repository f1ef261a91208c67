"""The feed of changes: one order for each tenant, without gaps, so that a partner who follows it misses nothing.

The obvious way is wrong. Number the rows as they are written, hand out "everything after the last number that you saw",
and somebody will miss a change: numbers are given when a row is written, and rows are seen when they are committed.

        A  takes 7 ─────────────────────────── commits
        B       takes 8 ── commits
                               reader: "after 6"  ─► 8       and never again asks for 7

Here the number comes from a row that counts for the tenant, and that stays locked until the end of the transaction. Whoever
takes 8 has waited until 7 was committed, or was given back. So numbers become visible in their order, none is missing,
and "all up to the count" is a complete answer at any moment. The lock is held for the length of a few statements, by the
one consumer that writes here; those who make the changes themselves never wait for it.

What is told is thin: what changed and when. A reader fetches the thing itself from the graph, as itself; a tombstone says
that there is nothing to fetch any more. Only things that they could fetch are told to them, by permission and customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from contracts import audience
from contracts.events.envelope import Envelope
from subgraphs.integrations.errors import CursorExpired
from subgraphs.integrations.models.changes import Change
from subgraphs.integrations.rules import changes as rules
from subgraphs.integrations.rules.messages import subject_type
from subgraphs.integrations.service import watching
from subgraphs.kit import jobs, numbers
from subgraphs.kit.errors import Forbidden
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

KEPT: Final = timedelta(days=90)
_KEPT_LOGS: Final = timedelta(days=30)
_SERIES: Final = "change"
_SWEEP: Final = "integrations.sweep"
_SWEEP_EVERY: Final = 500
_WATCH_EVERY: Final = 50
"""So often the watch over the modules is woken, should it have ended; while it goes on, that does nothing."""
_BATCH: Final = 5_000

_HEAD = text("SELECT last FROM number_series WHERE series = :series")
_HORIZON = text("SELECT swept FROM change_horizon")
_SWEEP_CHANGES = text("""
    WITH old AS (
        SELECT position FROM change WHERE recorded_at < :before ORDER BY position LIMIT :most
    ), gone AS (
        DELETE FROM change WHERE position IN (SELECT position FROM old) RETURNING position
    )
    INSERT INTO change_horizon (tenant_id, swept) SELECT :tenant, max(position) FROM gone HAVING max(position) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET swept = GREATEST(change_horizon.swept, EXCLUDED.swept)
""")
_SWEEP_LOGS = (
    text(
        "DELETE FROM webhook_delivery WHERE id IN (SELECT id FROM webhook_delivery"
        " WHERE finished_at < :before LIMIT :most)"
    ),
    text(
        "DELETE FROM inbound_message WHERE id IN (SELECT id FROM inbound_message"
        " WHERE created_at < :before AND counts_until < :now LIMIT :most)"
    ),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, and where to go on."""

    changes: Sequence[Change]
    end: int
    """The position up to which everything has been told, whether or not there was anything to tell."""
    has_more: bool


async def record(work: Work, envelope: Envelope) -> None:
    """Add what an event changed to the feed."""
    permission = audience.permission(subject_type(envelope), envelope.data)
    changed = envelope.data.get("changed")
    # The lock first: what is known of the thing must not change any more.
    first = await numbers.following(work, _SERIES)
    entries = rules.entries(envelope, await _known(work, subject_type(envelope), rules.subject(envelope)))
    for number, entry in enumerate(entries):
        row = Change(
            position=first if number == 0 else await numbers.following(work, _SERIES),
            customer_id=entry.customer,
            event_id=envelope.id,
            event_type=envelope.type,
            type=subject_type(envelope),
            subject_id=entry.subject,
            permission=permission,
            deleted=entry.deleted,
            changed=[str(one) for one in changed] if isinstance(changed, list) else [],
            at=envelope.time,
            recorded_at=work.at,
        )
        work.session.add(row)
    if first % _WATCH_EVERY == 1:
        await watching.watch(work)
    if first % _SWEEP_EVERY == 0:
        await jobs.enqueue(work, _SWEEP, {}, key=_SWEEP)


async def since(work: Work, after: str | None, *, first: int, types: Sequence[str] | None) -> Page:
    """What changed after a cursor, as far as the caller may learn of it; raises `CursorExpired`."""
    wanted = rules.types(types)
    _check_may(work, wanted)
    # The head before the rows: everything up to it is committed, and what comes meanwhile is for the next page.
    head = await work.session.scalar(_HEAD, {"series": _SERIES}) or 0
    begin = head if after == rules.NOW else rules.position(after) if after else 0
    allowed = [one for one in audience.EVERY if audience.shows(work.caller.scopes, one)]
    query = select(Change).where(Change.position > begin, Change.position <= head, Change.permission.in_(allowed))
    if wanted is not None:
        query = query.where(Change.type.in_(wanted))
    rows = (await work.session.scalars(query.order_by(Change.position).limit(first + 1))).all()
    # The horizon after the rows: what was swept while we read is missed by nobody.
    if after is not None and begin < (await work.session.scalar(_HORIZON) or 0):
        raise CursorExpired("What changed after this cursor is no longer kept; read everything anew.", field="since")
    has_more = len(rows) > first
    shown = rows[:first]
    return Page(shown, end=shown[-1].position if has_more else max(begin, head), has_more=has_more)


def _check_may(work: Work, wanted: object) -> None:
    if not isinstance(wanted, frozenset):
        return
    if beyond := [one for one in sorted(wanted) if not audience.shows(work.caller.scopes, audience.AUDIENCE[one])]:
        raise Forbidden(f"You may not see what happens to {', '.join(beyond)}.", field="types")


async def _known(work: Work, kind: str, thing: UUID) -> rules.Known | None:
    """What the feed said of a thing last; of several at once, of the customer whom it has now."""
    query = select(Change).where(Change.type == kind, Change.subject_id == thing)
    row = (await work.session.scalars(query.order_by(Change.position.desc()).limit(1))).one_or_none()
    return rules.Known(row.customer_id, row.deleted, row.at) if row else None


async def sweep(work: Work, _payload: Payload) -> None:
    """Forget the changes and the logs that are kept no longer; a bounded piece, and again when that was not all."""
    facts = {"before": work.at - KEPT, "most": _BATCH, "tenant": work.caller.tenant}
    await work.session.execute(_SWEEP_CHANGES, facts)
    logs = {"before": work.at - _KEPT_LOGS, "now": work.at, "most": _BATCH}
    for statement in _SWEEP_LOGS:
        await work.session.execute(statement, logs)


SWEEP = Job(_SWEEP, sweep)
