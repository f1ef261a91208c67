"""API keys: made, given a new secret, taken back; and exchanged by the router for whom they stand for."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from contracts.events import auth as events
from contracts.identity import EVERY_CUSTOMER
from subgraphs.auth.models.people import User
from subgraphs.auth.models.rights import ApiKey
from subgraphs.auth.rules import api_keys as rules
from subgraphs.auth.rules import grants as grant_rules
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.service import grants, revocations
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

_USED_EVERY = timedelta(minutes=1)
_MOST_CUSTOMERS = 200


async def listed(work: Work, *, owner: UUID | None, limit: int, offset: int) -> Sequence[ApiKey]:
    """Keys, the newest first."""
    query = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    if owner is not None:
        query = query.where(ApiKey.owner_id == owner)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def create(
    work: Work,
    *,
    name: str,
    scopes: Iterable[str],
    owner_id: UUID | None = None,
    customer_ids: Iterable[str] | None = None,
    ip_allow_list: Iterable[str] | None = None,
    rate_limit: int | None = None,
    expires_at: datetime | None = None,
) -> ApiKey:
    """Make a key for oneself or for somebody who may no more than oneself; `row.shown` is the key, this once."""
    owner = await work.take(User, owner_id or work.caller.subject, field="ownerId")
    await _check_owner(work, owner)
    given = grant_rules.permissions(scopes, field="scopes")
    grants.check_gives(work, given, field="scopes")
    row = ApiKey(
        name=line(name, field="name"),
        owner_id=owner.id,
        scopes=given,
        customer_ids=_customers(customer_ids or ()),
        ip_allow_list=rules.networks(ip_allow_list or ()),
        rate_limit=rules.rate_limit(rate_limit),
        expires_at=rules.end(expires_at, work.at),
    )
    _give_secret(work, row)
    work.add(row)
    await work.emit(events.ApiKeyCreated(**_copy(row)), subject=row.id)
    return row


async def rotate(work: Work, id: UUID, version: int | None = None) -> ApiKey:
    """Give a key a new secret; the old one opens nothing from now on."""
    row = await work.take(ApiKey, id, field="id", version=version)
    await _check_owner(work, await work.take(User, row.owner_id, field="id"))
    grants.check_gives(work, row.scopes, field="id")
    if row.revoked_at is not None:
        raise Invalid("This key was revoked; make another one.", field="id")
    await revocations.revoke(work, "KEY", row.id)
    _give_secret(work, row)
    await work.emit(events.ApiKeyCreated(**_copy(row)), subject=row.id)
    return row


async def revoke(work: Work, id: UUID, version: int | None = None) -> ApiKey:
    """Take a key back."""
    row = await work.take(ApiKey, id, field="id", version=version)
    await grants.check_may_change(work, await work.take(User, row.owner_id, field="id"), field="id")
    if row.revoked_at is None:
        row.revoked_at = work.at
        await revocations.revoke(work, "KEY", row.id)
        await work.emit(events.ApiKeyRevoked(**_copy(row)), subject=row.id)
    return row


async def exchanged(work: Work, key: str) -> Mapping[str, Any] | None:
    """What the router is told of a key: whom it stands for, from where, and how often; None when it opens nothing.

    Its scopes are those that its owner still holds, and its customers those whom its owner still sees.
    """
    row = await work.session.scalar(select(ApiKey).where(ApiKey.prefix == rules.prefix_of(key)))
    if row is None or not hmac.compare_digest(row.key_hash, rules.hashed(key)):
        return None
    owner = await work.find(User, row.owner_id)
    if owner is None or owner.status is not UserStatus.ACTIVE:
        return None
    if not rules.opens(revoked_at=row.revoked_at, expires_at=row.expires_at, now=work.at):
        return None
    await _note_use(work, row)
    granted = await grants.of(work, owner)
    reach = grant_rules.narrowed(granted.reach, [UUID(one) for one in row.customer_ids])
    customers = EVERY_CUSTOMER if reach.customers is None else sorted(map(str, reach.customers))
    claims = {**granted.claims(owner, row.scopes), "customers": customers, "key": str(row.id)}
    return {"claims": claims, "networks": row.ip_allow_list, "rateLimit": row.rate_limit}


async def _note_use(work: Work, row: ApiKey) -> None:
    """Remember that the key was used, to the minute; no change that anybody would want a record of."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < work.at - _USED_EVERY)
    used = update(ApiKey).where(ApiKey.id == row.id, stale).values(last_used_at=work.at)
    await work.session.execute(used.execution_options(synchronize_session=False))


async def _check_owner(work: Work, owner: User) -> None:
    """A key for somebody else is theirs to act with: only for whom one could be, too."""
    if owner.status is not UserStatus.ACTIVE:
        raise Invalid("A key stands for somebody who may come in.", field="ownerId")
    if owner.id == work.caller.subject:
        if work.caller.key is not None:
            raise Forbidden("A key makes no keys.")
        return
    await grants.check_may_take_over(work, owner, field="ownerId")


def _customers(ids: Iterable[str]) -> list[str]:
    try:
        found = sorted({str(UUID(one)) for one in ids})
    except ValueError:
        raise Invalid("customerIds are identifiers of customers.", field="customerIds") from None
    if len(found) > _MOST_CUSTOMERS:
        raise Invalid(f"customerIds has at most {_MOST_CUSTOMERS} customers.", field="customerIds")
    return found


def _give_secret(work: Work, row: ApiKey) -> None:
    key = rules.new(work.caller.tenant)
    row.prefix, row.key_hash = rules.prefix_of(key), rules.hashed(key)
    row.shown = key  # type: ignore[misc]


def _copy(row: ApiKey) -> dict[str, Any]:
    return {"id": row.id, "owner_id": row.owner_id, "name": row.name, "prefix": row.prefix}
