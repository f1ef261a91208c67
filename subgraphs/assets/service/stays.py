"""Where an asset was, and who used it: one stay for each place, the last one open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from subgraphs.assets.models import Asset, AssetStay
from subgraphs.kit.work import Work


async def note(work: Work, asset: Asset) -> None:
    """Begin a stay where the asset is now, unless it was there already; the one before ends."""
    open_one: AssetStay | None = await work.session.scalar(
        select(AssetStay).where(AssetStay.asset_id == asset.id, AssetStay.until.is_(None))
    )
    here = (asset.customer_id, asset.site_id, asset.contact_id)
    if open_one is not None:
        if (open_one.customer_id, open_one.site_id, open_one.contact_id) == here:
            return
        open_one.until = work.at
    customer, site, contact = here
    work.add(AssetStay(asset_id=asset.id, customer_id=customer, site_id=site, contact_id=contact, since=work.at))


async def of_assets(
    work: Work, assets: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[AssetStay]]:
    """The stays of each asset, the latest first; those with customers whom the caller does not see are not shown."""
    order = (AssetStay.since.desc(), AssetStay.id.desc())
    return await work.per_parent(AssetStay, AssetStay.asset_id, assets, order=order, limit=limit, offset=offset)
