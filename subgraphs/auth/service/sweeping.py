"""Sweeping: what has expired and opens nothing any more is deleted, tenant by tenant, a bounded piece at a time.

Everything here says itself when it is over. Some of it is kept a while longer, because it still answers a question:

    used codes, refresh tokens    whether a second one who shows them has a copy: as long as their family lives
    used codes                    whom a session let in, and who is told when it ends: as long as the session lasts
    sessions                      how and when a refresh token's user came in: as long as there is such a token
    links, device codes, …        nothing: an hour, for clocks that differ
    security events               what happened, all modules in one place: 400 days; each module's audit keeps it for good

The platform's job takes some tenants, and enqueues the next piece of the way; after the last one it rests until the next
hour. The hour is part of a job's key, so that any number of processes that start at once begin one round and not many.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import text

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.service.elsewhere import behind
from subgraphs.kit import jobs
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

EVERY = timedelta(hours=1)
_NAME = "auth.sweep"
_TENANTS = 20
_BATCH = 1_000
_ROUNDS = 10
"""At most so many batches of one table and tenant in one round: what is left waits for the next one."""
_LATER = timedelta(hours=1)
_FIRST = UUID(int=0)

_FORGOTTEN = text("SELECT forget_security_events(:batch)")
_AFTER = text("SELECT id FROM tenants_after(:known, :most)")

_PLAIN = "expires_at < :over"
_OVER: Mapping[str, str] = MappingProxyType(
    {
        "refresh_token": f"""{_PLAIN} AND NOT EXISTS (
            SELECT FROM refresh_token r
             WHERE r.tenant_id = gone.tenant_id AND r.grant_id = gone.grant_id AND r.expires_at >= :over)""",
        "authorization_code": f"""{_PLAIN} AND NOT EXISTS (
            SELECT FROM refresh_token r WHERE r.tenant_id = gone.tenant_id AND r.grant_id = gone.grant_id)
            AND NOT EXISTS (
            SELECT FROM session s WHERE s.tenant_id = gone.tenant_id AND s.id = gone.session_id AND s.expires_at >= :over)""",
        "session": f"""{_PLAIN} AND NOT EXISTS (
            SELECT FROM refresh_token r WHERE r.tenant_id = gone.tenant_id AND r.session_id = gone.id)""",
        **dict.fromkeys(
            (
                *("used_assertion", "revocation", "mail_token", "upstream_sign_in"),
                *("device_code", "initial_access_token"),
            ),
            _PLAIN,
        ),
    }
)
"""When a row of each table is over, in the order in which one lets go of the next."""


async def begin(work: Work) -> None:
    """Begin a round now, unless this hour's has been asked for; in a work of the platform's own."""
    await _enqueue(work, work.at, _FIRST)


async def sweep(work: Work, tenant: UUID, *, batch: int = _BATCH, rounds: int = _ROUNDS) -> Mapping[str, int]:
    """Delete what is over of one tenant; how many rows of each table that were."""
    async with behind(work, tenant):
        gone = {table: await _emptied(work, table, batch, rounds) for table in _OVER}
        return gone | {"security_event": await _forgotten(work, batch, rounds)}


async def _forgotten(work: Work, batch: int, rounds: int) -> int:
    """Let the database judge by its own clock what is old: we may add to these, and no more."""
    total = 0
    for _ in range(rounds):
        count = int(await work.session.scalar(_FORGOTTEN, {"batch": batch}) or 0)
        total += count
        if count < batch:
            break
    return total


async def _emptied(work: Work, table: str, batch: int, rounds: int) -> int:
    statement = text(
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT gone.ctid FROM {table} gone"
        f" WHERE {_OVER[table]} LIMIT :batch FOR UPDATE SKIP LOCKED))"
    )
    total = 0
    for _ in range(rounds):
        done = await work.session.execute(statement, {"over": work.at - _LATER, "batch": batch})
        count: int = done.rowcount  # type: ignore[attr-defined]
        total += count
        if count < batch:
            break
    return total


async def _sweep_some(work: Work, payload: Payload) -> None:
    known = UUID(payload["after"])
    tenants = [row.id for row in await work.session.execute(_AFTER, {"known": known, "most": _TENANTS})]
    # What is the platform's own lies behind its wall, whether or not it is written down as a tenant.
    for tenant in [*([PLATFORM] if known == _FIRST else []), *(one for one in tenants if one != PLATFORM)]:
        await sweep(work, tenant)
    if len(tenants) == _TENANTS:
        await _enqueue(work, work.at, tenants[-1])
    else:
        await _enqueue(work, work.at + EVERY, _FIRST)


async def _enqueue(work: Work, at: datetime, after: UUID) -> None:
    hour = int(at.timestamp() // EVERY.total_seconds())
    await jobs.enqueue(work, _NAME, {"after": str(after)}, at=at, key=f"{_NAME}/{hour}/{after}")


SWEEP = Job(_NAME, _sweep_some)
