"""Failed attempts make the next one wait; where the owner is known, the attempts of others change nothing.

A lock after so many failures is a gift to whoever wants to keep somebody out. Here failures are counted for the pair of
account and address, and each one beyond the first few makes this pair wait twice as long. A browser in which somebody has
signed in before carries a signed cookie that says so, and has a count of its own: whatever happens elsewhere, its owner
comes in. An address that fails with many accounts waits with all of them.
"""

from __future__ import annotations

import math
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.events import auth as events
from subgraphs.auth import handles
from subgraphs.auth.errors import TooSoon
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import Throttle
from subgraphs.auth.rules import credentials as rules
from subgraphs.auth.service.elsewhere import behind
from subgraphs.kit import audit
from subgraphs.kit.work import Work

_TELL_AT = frozenset({5, 20, 100})
_MANY_ACCOUNTS = 40
"""Failures of one address with whatever account before it has to wait: behind one address may be an office."""


def keys(*, account: str, address: str | None, known_browser: str | None) -> dict[str, int]:
    """What an attempt is counted under, and how many failures are free beyond the first few."""
    who = account.strip().casefold()
    if known_browser:
        return {handles.hashed(f"browser {known_browser} {who}"): 0}
    return {
        handles.hashed(f"account {who} from {address}"): 0,
        handles.hashed(f"address {address}"): _MANY_ACCOUNTS,
    }


async def attempt(work: Work, counted: dict[str, int]) -> int:
    """Count an attempt before it is looked at; raises `TooSoon` when it comes before its time.

    Counted first, so that a hundred attempts at the same moment are a hundred; who is right is forgiven afterwards.
    Returns how many failures there are of the first key, this attempt included.
    """
    async with behind(work, PLATFORM):
        for key in sorted(counted):
            await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
        query = select(Throttle).where(Throttle.tenant_id == PLATFORM, Throttle.key.in_(list(counted)))
        rows = (await work.session.scalars(query.execution_options(populate_existing=True))).all()
        waits = [
            rules.may_try_at(row.failures - counted[row.key], row.failed_at) for row in rows if _counts(row, work.at)
        ]
        if waits and (latest := max(waits)) > work.at:
            seconds = math.ceil((latest - work.at).total_seconds())
            raise TooSoon(f"There were too many attempts. Try again in {seconds} seconds.", seconds=seconds)
        failures = [await _count(work, key) for key in counted]
        await _forget_old(work)
    return failures[0]


async def _forget_old(work: Work) -> None:
    old = delete(Throttle).where(Throttle.tenant_id == PLATFORM, Throttle.failed_at < work.at - 2 * rules.FORGET_AFTER)
    await work.session.execute(old.execution_options(synchronize_session=False))


async def _count(work: Work, key: str) -> int:
    row = {"tenant_id": PLATFORM, "key": key, "failures": 1, "failed_at": work.at}
    stale = Throttle.failed_at < work.at - rules.FORGET_AFTER
    added = insert(Throttle).values(row)
    counted = added.on_conflict_do_update(
        index_elements=["tenant_id", "key"],
        set_={"failures": case((stale, 1), else_=Throttle.failures + 1), "failed_at": work.at},
    ).returning(Throttle.failures)
    return int((await work.session.execute(counted)).scalar_one())


async def succeeded(work: Work, counted: dict[str, int]) -> None:
    """Forget the failures of a pair that has come in; of an address that failed with others only this attempt."""
    async with behind(work, PLATFORM):
        for key, free in counted.items():
            mine = (Throttle.tenant_id == PLATFORM) & (Throttle.key == key)
            done = (
                update(Throttle).where(mine).values(failures=Throttle.failures - 1)
                if free
                else delete(Throttle).where(mine)
            )
            await work.session.execute(done.execution_options(synchronize_session=False))


async def tell(work: Work, failures: int, *, user: UUID, customer: UUID | None, address: str | None) -> None:
    """Record the failure, and say so when there have become too many, in a work of the user's tenant."""
    counted = {"failures": failures}
    await audit.note(
        work, work.command, outcome="REFUSED", resource="User", resource_id=user, customer=customer, details=counted
    )
    if failures in _TELL_AT:
        happened = events.AuthLoginFailedThreshold(
            user_id=user, customer_id=customer, failures=failures, address=address
        )
        await work.emit(happened, subject=user, customer=customer)


def _counts(row: Throttle, at: datetime) -> bool:
    return row.failed_at > at - rules.FORGET_AFTER
