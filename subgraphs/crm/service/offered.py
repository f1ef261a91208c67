"""What customer management knows of products: that they are there, so that a line of a contract or a quote may name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing
from contracts.events.envelope import Envelope
from subgraphs.crm.models.contracts import ProductCopy
from subgraphs.kit import copies, references
from subgraphs.kit.errors import NotFound
from subgraphs.kit.work import Work

_TOLD: Final[Mapping[str, type[billing.ProductCreated | billing.ProductUpdated]]] = {
    event.type: event for event in (billing.ProductCreated, billing.ProductUpdated)
}
EVENTS: Final = tuple(_TOLD)


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember that a product is there."""
    told = envelope.read(_TOLD[envelope.type])
    await copies.learn(work, ProductCopy, {"product_id": told.id}, {}, at=envelope.time)


async def check(work: Work, products: Iterable[UUID | None], *, field: str = "productId") -> None:
    """Refuse lines that name a product that is not there, or is another tenant's, which look the same."""
    wanted = {one for one in products if one is not None}
    if not wanted:
        return

    async def found() -> bool | None:
        query = select(ProductCopy.product_id).where(ProductCopy.product_id.in_(wanted))
        return set(await work.session.scalars(query)) == wanted or None

    if not await references.patiently(found, *wanted):
        raise NotFound("There is no product with this id.", field=field)
