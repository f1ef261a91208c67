"""Software on devices: taking in what an agent found, and saying when a maker drops a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from subgraphs.assets.models import Asset, SoftwareInstall, SoftwareProduct
from subgraphs.assets.rules import assets as lives
from subgraphs.assets.rules import software as rules
from subgraphs.assets.rules.software import Software
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

BY_NAME = Order((SoftwareProduct.name,))

# --- reading


def selected(*, wanted: Any = None, search: str | None = None) -> Select[SoftwareProduct]:
    """The query for products of this filter and search."""
    words = containing(search, SoftwareProduct.name, SoftwareProduct.vendor)
    return select(SoftwareProduct).where(*conditions(SoftwareProduct, wanted), *words)


def _there() -> ColumnElement[bool]:
    return SoftwareInstall.removed_at.is_(None)


async def on_assets(
    work: Work, assets: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[SoftwareInstall]]:
    """What is installed on each asset now, in the order in which it was found."""
    order = (SoftwareInstall.detected_at, SoftwareInstall.id)
    return await work.per_parent(
        SoftwareInstall, SoftwareInstall.asset_id, assets, where=(_there(),), order=order, limit=limit, offset=offset
    )


async def of_products(
    work: Work, products: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[SoftwareInstall]]:
    """Where each product is installed, as far as the caller sees the devices."""
    order = (SoftwareInstall.detected_at, SoftwareInstall.id)
    return await work.per_parent(
        SoftwareInstall,
        SoftwareInstall.product_id,
        products,
        where=(_there(),),
        order=order,
        limit=limit,
        offset=offset,
    )


async def counted(work: Work, products: Sequence[UUID]) -> Mapping[UUID, Sequence[int]]:
    """On how many devices each product is installed, in lists of one."""
    query = select(SoftwareInstall.product_id, func.count()).where(
        _there(), SoftwareInstall.product_id.in_(list(products))
    )
    found = {row[0]: row[1] for row in await work.session.execute(query.group_by(SoftwareInstall.product_id))}
    return {key: [found.get(key, 0)] for key in products}


# --- writing


async def report(
    work: Work, asset_id: UUID | None, *, source: str, items: Sequence[Mapping[str, Any]], complete: bool = True
) -> Asset:
    """Take in what was found on a device; a complete report says of everything else that it is gone."""
    rules.checked(len(items))
    source = line(source, field="source", longest=60)
    named = [_named(one) for one in items]
    asset = await work.take(Asset, asset_id, field="assetId")
    lives.check_changeable(asset.status)
    by_id = {one.identity(work.caller.tenant): one for one in named}
    known = {one.product_id: one for one in await _on(work, asset.id)}
    found = rules.changes(known, by_id, complete=complete)
    await _learn(work, {key: by_id[key] for key in found.appeared})
    for key in sorted(found.appeared):
        work.add(
            SoftwareInstall(
                asset_id=asset.id, customer_id=asset.customer_id, product_id=key, source=source, detected_at=work.at
            )
        )
    for key in found.gone:
        known[key].removed_at = work.at
    return asset


def _named(item: Mapping[str, Any]) -> Software:
    return Software(
        line(item.get("name"), field="items", longest=200),
        optional_line(item.get("vendor"), field="items", longest=200),
        optional_line(item.get("release"), field="items", longest=100),
    )


async def _on(work: Work, asset_id: UUID) -> Sequence[SoftwareInstall]:
    query = select(SoftwareInstall).where(SoftwareInstall.asset_id == asset_id, _there())
    return (await work.session.scalars(query)).all()


async def _learn(work: Work, products: Mapping[UUID, Software]) -> None:
    """Make the products that nobody has named before; two devices may name one at the same moment."""
    who = work.caller.subject
    rows = [
        {
            "tenant_id": work.caller.tenant, "id": key, "name": one.name, "vendor": one.vendor, "release": one.release,
            "version": 1, "created_at": work.at, "created_by": who, "updated_at": work.at, "updated_by": who,
        }
        for key, one in sorted(products.items())
    ]  # fmt: skip
    if rows:
        await work.session.execute(insert(SoftwareProduct).values(rows).on_conflict_do_nothing())


async def set_eol(work: Work, id: UUID, eol_date: date | None, version: int | None = None) -> SoftwareProduct:
    """Say when the maker drops a product, or that nobody knows."""
    product = await work.take(SoftwareProduct, id, field="id", version=version)
    product.eol_date = eol_date
    return product


async def follow(work: Work, asset: Asset) -> None:
    """What is installed on a device belongs to the customer who has the device."""
    there = SoftwareInstall.asset_id == asset.id, SoftwareInstall.customer_id.is_distinct_from(asset.customer_id)
    await work.session.execute(update(SoftwareInstall).where(*there).values(customer_id=asset.customer_id))


async def forget(work: Work, asset_id: UUID) -> None:
    """Nothing is installed any more on a device that is gone."""
    there = SoftwareInstall.asset_id == asset_id, _there()
    values = {"removed_at": work.at, "version": SoftwareInstall.version + 1, "updated_at": work.at}
    await work.session.execute(update(SoftwareInstall).where(*there).values(values))
