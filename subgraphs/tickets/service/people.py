"""What the desk knows about users: whom a ticket, an appointment or time may be given to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.events import auth
from contracts.events.envelope import Envelope
from subgraphs.kit import copies, references
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.work import Work
from subgraphs.tickets.models.people import UserCopy

_TOLD: Final[Mapping[str, type[auth.UserCreated | auth.UserUpdated | auth.UserDisabled]]] = {
    event.type: event for event in (auth.UserCreated, auth.UserUpdated, auth.UserDisabled)
}
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GONE = "DISABLED"
_OF_A_CUSTOMER = "CUSTOMER"


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember what an event of identity says of a user; an older event never overwrites a newer one."""
    told = envelope.read(_TOLD[envelope.type])
    said: dict[str, object]
    match told:
        case auth.UserCreated():
            said = {"works_for": told.customer_id, "kind": told.kind}
        case auth.UserUpdated():
            said = {"status": told.status}
        case _:
            said = {"status": _GONE}
    new = {"works_for": None, "kind": "STAFF", "status": "ACTIVE"}
    await copies.learn(work, UserCopy, {"user_id": told.user_id}, said, at=envelope.time, new=new)


async def learn_access(work: Work, envelope: Envelope) -> None:
    """Remember which customers were named for a user."""
    told = envelope.read(auth.UserAccessChanged)
    seen = {"sees": [str(one) for one in told.customers or ()], "sees_at": envelope.time}
    # Whoever is not known yet is not known by this: what says who they are is newer than `at`, whenever it comes.
    key = {"tenant_id": work.caller.tenant, "user_id": told.user_id, "works_for": told.customer_id}
    made = insert(UserCopy).values({**key, **seen, "kind": "STAFF", "status": "ACTIVE", "at": _LONG_AGO})
    newer = made.on_conflict_do_update(
        index_elements=["tenant_id", "user_id"],
        set_=seen,
        where=UserCopy.sees_at.is_(None) | (UserCopy.sees_at <= envelope.time),
    )
    await work.session.execute(newer)


async def worker(work: Work, user_id: UUID | None, *, customer: UUID | None, field: str) -> None:
    """Refuse to give work to somebody who is not there, or who is a customer's."""
    known = await _known(work, user_id, field=field)
    if known is None:
        return
    if known.kind == _OF_A_CUSTOMER:
        raise Invalid("People of a customer are not given work.", field=field)
    if not known.is_of(customer):
        raise Invalid("They work for another customer.", field=field)


async def listener(work: Work, user_id: UUID | None, *, customer: UUID, field: str) -> None:
    """Refuse to tell somebody of a ticket who is not there, or who is another customer's."""
    known = await _known(work, user_id, field=field)
    if known is not None and not known.is_of(customer):
        raise Invalid("They work for another customer.", field=field)


async def _known(work: Work, user_id: UUID | None, *, field: str) -> UserCopy | None:
    """Who this is; None for nobody, and for whoever asks: that they are there is proven."""
    if user_id is None or user_id == work.caller.subject:
        return None

    async def found() -> UserCopy | None:
        query = select(UserCopy).where(UserCopy.user_id == user_id, UserCopy.status != _GONE)
        row: UserCopy | None = await work.session.scalar(query)
        return row

    known = await references.patiently(found, user_id)
    if known is None:
        raise NotFound("There is no user with this id.", field=field)
    return known
