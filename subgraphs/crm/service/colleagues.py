"""What customer management knows of users: who may look after a customer, an opportunity or a task, and what they look after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from contracts.events import auth
from contracts.events.envelope import Envelope
from subgraphs.crm.models.customers import Customer, UserCopy
from subgraphs.crm.models.sales import Opportunity
from subgraphs.crm.rules.quotes import StageOutcome
from subgraphs.kit import copies, references
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.work import Work

_TOLD: Final[Mapping[str, type[auth.UserCreated | auth.UserUpdated | auth.UserDisabled]]] = {
    event.type: event for event in (auth.UserCreated, auth.UserUpdated, auth.UserDisabled)
}
EVENTS: Final = tuple(_TOLD)
_GONE = "DISABLED"
_OF_A_CUSTOMER = "CUSTOMER"


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember what an event of identity says of a user; an older event never overwrites a newer one."""
    told = envelope.read(_TOLD[envelope.type])
    said: dict[str, object]
    match told:
        case auth.UserCreated():
            said = {"kind": told.kind}
        case auth.UserUpdated():
            said = {"status": told.status}
        case _:
            said = {"status": _GONE}
    new = {"kind": "STAFF", "status": "ACTIVE"}
    await copies.learn(work, UserCopy, {"user_id": told.user_id}, said, at=envelope.time, new=new)


async def check(work: Work, user_id: UUID | None, *, field: str) -> None:
    """Refuse to give something to somebody who is not there, or who is a customer's."""
    if user_id is None or user_id == work.caller.subject:
        return  # that whoever asks is there is proven

    async def found() -> UserCopy | None:
        query = select(UserCopy).where(UserCopy.user_id == user_id, UserCopy.status != _GONE)
        row: UserCopy | None = await work.session.scalar(query)
        return row

    known = await references.patiently(found, user_id)
    if known is None:
        raise NotFound("There is no user with this id.", field=field)
    if known.kind == _OF_A_CUSTOMER:
        raise Invalid("People of a customer are given nothing to look after.", field=field)


async def customers_of(
    work: Work, users: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[Customer]]:
    """The customers that each user looks after, by name."""
    order, mine = (Customer.name, Customer.id), (Customer.merged_into_id.is_(None),)
    return await work.per_parent(
        Customer, Customer.account_manager_id, users, where=mine, order=order, limit=limit, offset=offset
    )


async def opportunities_of(
    work: Work, users: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[Opportunity]]:
    """The open opportunities of each user, those first that close first."""
    order, still = (
        (Opportunity.expected_close.nulls_last(), Opportunity.id),
        (Opportunity.outcome == StageOutcome.OPEN,),
    )
    return await work.per_parent(
        Opportunity, Opportunity.owner_id, users, where=still, order=order, limit=limit, offset=offset
    )
