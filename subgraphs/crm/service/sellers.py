"""What customer management knows of who sells: what stands on the paper of a quote, as billing told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing
from contracts.events.envelope import Envelope
from subgraphs.crm.models.sales import SellerCopy
from subgraphs.kit import copies
from subgraphs.kit.errors import NotFound
from subgraphs.kit.work import Work

_TOLD: Final[Mapping[str, type[billing.LegalEntityCreated | billing.LegalEntityUpdated]]] = {
    event.type: event for event in (billing.LegalEntityCreated, billing.LegalEntityUpdated)
}
EVENTS: Final = tuple(_TOLD)


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember what an event says of who sells; an older event never overwrites a newer one."""
    told = envelope.read(_TOLD[envelope.type])
    said = {"told": told.model_dump(mode="json", by_alias=False)}
    await copies.learn(work, SellerCopy, {"legal_entity_id": told.id}, said, at=envelope.time)


async def check(work: Work, legal_entity_id: UUID, *, field: str) -> None:
    """Refuse to sell in the name of a company that is not there."""
    if await _found(work, legal_entity_id) is None:
        raise NotFound("There is no legal entity with this id.", field=field)


async def of(work: Work, legal_entity_id: UUID | None) -> SellerCopy | None:
    """Who sells: the company that is named, or the first one that was entered; None where billing has told of none."""
    if legal_entity_id is not None:
        return await _found(work, legal_entity_id)
    first: SellerCopy | None = await work.session.scalar(
        select(SellerCopy).order_by(SellerCopy.legal_entity_id).limit(1)
    )
    return first


async def _found(work: Work, legal_entity_id: UUID) -> SellerCopy | None:
    found: SellerCopy | None = await work.session.scalar(
        select(SellerCopy).where(SellerCopy.legal_entity_id == legal_entity_id)
    )
    return found
