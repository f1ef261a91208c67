"""What ends soon: warranties, support, life, certificates, domains, licences and software, in one list by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from uuid import UUID

from sqlalchemy import func, or_, select

from subgraphs.assets.models import Asset, License, SoftwareInstall, SoftwareProduct
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.service import zones
from subgraphs.kit.work import Work

FURTHEST_DAYS = 1_830
_MOST = 1_000


class ExpiryKind(Enum):
    """What ends."""

    WARRANTY = "WARRANTY"
    """The warranty of an asset."""
    END_OF_LIFE = "END_OF_LIFE"
    """The maker no longer makes it."""
    END_OF_SUPPORT = "END_OF_SUPPORT"
    """The maker no longer mends it."""
    CERTIFICATE = "CERTIFICATE"
    """A certificate runs out."""
    DOMAIN = "DOMAIN"
    """A domain is to be renewed or given up."""
    LICENSE_RENEWAL = "LICENSE_RENEWAL"
    """A licence is to be renewed or given up."""
    LICENSE_END = "LICENSE_END"
    """A licence ends."""
    SOFTWARE_END_OF_LIFE = "SOFTWARE_END_OF_LIFE"
    """The maker drops a product that is installed."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A product that its maker drops, on devices of a customer."""

    product: SoftwareProduct
    customer_id: UUID | None
    devices: int

    @property
    def id(self) -> UUID:
        """The product's."""
        return self.product.id


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something that ends on a day."""

    day: date
    kind: ExpiryKind
    what: Asset | License | Dropped


async def of_customers(
    work: Work, customers: Sequence[UUID], *, within_days: int, limit: int, offset: int
) -> Mapping[UUID, Sequence[Expiry]]:
    """What of each customer ends within so many days from today, or has ended and is still in use; first things first."""
    found = await _ending(work, within_days, customers)
    lists = {key: [one for one in found if one.what.customer_id == key] for key in customers}
    return {key: ends[offset : offset + limit] for key, ends in lists.items()}


async def of_all(work: Work, *, within_days: int, limit: int, offset: int) -> Sequence[Expiry]:
    """The same over all that the caller sees: what somebody has to look after next."""
    return (await _ending(work, within_days))[offset : offset + limit]


async def _ending(work: Work, within_days: int, customers: Sequence[UUID] | None = None) -> list[Expiry]:
    """What ends, in three statements; what has ended and is in use all the same comes first."""
    until = await zones.today(work) + timedelta(days=within_days)
    days = (Asset.warranty_until, Asset.eol_date, Asset.eos_date)
    assets = select(Asset).where(Asset.status.in_(rules.ACTIVE), or_(*(day <= until for day in days)))
    licenses = select(License).where(or_(License.renewal_date <= until, License.end_date <= until))
    if customers is not None:
        assets, licenses = (
            assets.where(Asset.customer_id.in_(customers)),
            licenses.where(License.customer_id.in_(customers)),
        )
    first_assets = assets.order_by(func.least(*days), Asset.id).limit(_MOST)
    first_licenses = licenses.order_by(func.least(License.renewal_date, License.end_date), License.id).limit(_MOST)
    found = [one for row in await work.session.scalars(first_assets) for one in _of_asset(row, until)]
    found += [one for row in await work.session.scalars(first_licenses) for one in _of_license(row, until)]
    found += await _of_software(work, until, customers)
    return sorted(found, key=lambda one: (one.day, one.kind.value, one.what.id, str(one.what.customer_id)))


async def _of_software(work: Work, until: date, customers: Sequence[UUID] | None) -> list[Expiry]:
    """Products that are dropped, once for each customer who has them on devices that are in use."""
    there = (
        select(SoftwareInstall.product_id, SoftwareInstall.customer_id, func.count().label("devices"))
        .join(Asset, (Asset.tenant_id == SoftwareInstall.tenant_id) & (Asset.id == SoftwareInstall.asset_id))
        .where(SoftwareInstall.removed_at.is_(None), Asset.status.in_(rules.ACTIVE))
        .group_by(SoftwareInstall.product_id, SoftwareInstall.customer_id)
    )
    if customers is not None:
        there = there.where(SoftwareInstall.customer_id.in_(customers))
    on, dropped = there.subquery(), SoftwareProduct.eol_date <= until
    query = select(SoftwareProduct, on.c.customer_id, on.c.devices).join(on, on.c.product_id == SoftwareProduct.id)
    rows = await work.session.execute(
        query.where(dropped).order_by(SoftwareProduct.eol_date, SoftwareProduct.id).limit(_MOST)
    )
    return [
        Expiry(product.eol_date, ExpiryKind.SOFTWARE_END_OF_LIFE, Dropped(product, whose, devices))
        for product, whose, devices in rows
    ]


_RUN_OUT = {"certificate": ExpiryKind.CERTIFICATE, "domain": ExpiryKind.DOMAIN}
"""What has no life that ends, but runs out: the day is kept in the same place."""


def _of_asset(row: Asset, until: date) -> Iterator[Expiry]:
    ends = (
        (row.warranty_until, ExpiryKind.WARRANTY),
        (row.eol_date, _RUN_OUT.get(row.type, ExpiryKind.END_OF_LIFE)),
        (row.eos_date, ExpiryKind.END_OF_SUPPORT),
    )
    return (Expiry(day, kind, row) for day, kind in ends if day is not None and day <= until)


def _of_license(row: License, until: date) -> Iterator[Expiry]:
    ends = ((row.renewal_date, ExpiryKind.LICENSE_RENEWAL), (row.end_date, ExpiryKind.LICENSE_END))
    return (Expiry(day, kind, row) for day, kind in ends if day is not None and day <= until)
