"""How licences look in the graph: what was bought, who holds a seat, and whether the two fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.assets import models
from subgraphs.assets.rules.licenses import ComplianceStatus, LicenseMetric, Standing
from subgraphs.assets.service import licenses as service
from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Date, UserError
from subgraphs.kit.work import Work

READ = "licenses:read"
COSTS = "costs:read"
CREDENTIALS = "credentials:read"

if TYPE_CHECKING:
    from subgraphs.assets.types.assets import Asset, Customer
    from subgraphs.assets.types.others import Contact

LazyAsset = Annotated["Asset", strawberry.lazy("subgraphs.assets.types.assets")]
LazyContact = Annotated["Contact", strawberry.lazy("subgraphs.assets.types.others")]
LazyCustomer = Annotated["Customer", strawberry.lazy("subgraphs.assets.types.assets")]

for spoken in (LicenseMetric, ComplianceStatus):
    strawberry.enum(spoken)


@strawberry.type
class LicenseCompliance:
    """What was bought of a product against what is used of it, suites that include it counted."""

    entitled: int
    """How many seats were bought and have not ended."""
    consumed: int
    """How many hold a seat; each account once, however many seats it holds."""
    reclaimable: int
    """Of those, how many are disabled or were not active for 30 days."""
    effective_need: int
    """How many would be needed after tidying up."""
    to_buy: int
    """How many to buy when everything reclaimable was reclaimed."""
    status: ComplianceStatus
    """Whether it fits."""

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The compliance that follows from this standing."""
        return cls(
            entitled=standing.entitled,
            consumed=standing.consumed,
            reclaimable=standing.reclaimable,
            effective_need=standing.effective_need,
            to_buy=standing.to_buy,
            status=standing.status,
        )


@entity(keys=["id"])
class License:
    """The right to use a product, for so many users, devices, cores, sessions or sites."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer whose it is."""
    product: str
    """What may be used."""
    vendor: str | None
    """Who sells it."""
    metric: LicenseMetric
    """What is counted."""
    purchased: int
    """How many were bought."""
    includes: list[str]
    """The products that it includes, when it is a suite; at most 50."""
    commitment_end: Date | None
    """Until when it can't be reduced."""
    renewal_date: Date | None
    """When it is to be renewed; `license.renewal_due` tells 60 and 14 days before."""
    end_date: Date | None
    """The last day on which it holds."""
    vendor_subscription_id: str | None
    """What the vendor calls the subscription."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was recorded."""
    updated_at: datetime
    """When it was last changed."""
    stored_key: strawberry.Private[str | None]
    stored_cost: strawberry.Private[Decimal | None]

    @strawberry.field
    def customer(self) -> LazyCustomer | None:
        """The customer whose it is."""
        from subgraphs.assets.types.assets import Customer  # noqa: PLC0415 - customers show licences

        return Customer(id=self.customer_id)

    @restricted(requires_scopes=[[CREDENTIALS]])  # type: ignore[untyped-decorator]
    def key_ref(self, info: Info) -> str | None:
        """Where its key is kept, never the key itself; only for those who may open the vault."""
        info.context.caller.require(CREDENTIALS)
        return self.stored_key

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    def cost_per_unit(self, info: Info) -> Decimal | None:
        """What one costs us, in the currency of the customer; only for those who may see costs."""
        info.context.caller.require(COSTS)
        return self.stored_cost

    @strawberry.field
    async def compliance(self, info: Info) -> LicenseCompliance | None:
        """Whether what was bought fits what is used."""
        standing = await info.context.lists(_standings, self.id, READ)
        return LicenseCompliance.of(standing[0]) if standing else None

    @strawberry.field
    async def seats(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[LicenseSeat] | None:
        """Who holds a seat, in the order in which they got it."""
        rows = await info.context.lists(service.seats_of, self.id, READ, limit=bounded(limit), offset=skipped(offset))
        return [LicenseSeat.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.License) -> Self:
        """The licence in this row."""
        return shape(cls, row, stored_key=row.key_ref, stored_cost=row.cost_per_unit)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The licence that another module points at."""
        row = await info.context.row(models.License, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class LicenseSeat:
    """Somebody, or something, that uses a licence."""

    id: strawberry.ID
    """The identifier: a UUID."""
    license_id: strawberry.ID
    """The licence."""
    customer_id: strawberry.ID
    """The customer whose licence it is."""
    principal: str
    """The account: a user principal name, an address, the name of a device; in small letters."""
    directory: str | None
    """Which directory the account is in."""
    contact_id: strawberry.ID | None
    """The person behind the account."""
    asset_id: strawberry.ID | None
    """The device that uses it."""
    assigned_at: datetime
    """Since when."""
    revoked_at: datetime | None
    """Until when."""
    last_active_at: datetime | None
    """When the account was last used."""
    principal_disabled: bool
    """Whether the account is disabled in its directory."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    def contact(self) -> LazyContact | None:
        """The person behind the account."""
        from subgraphs.assets.types.others import Contact  # noqa: PLC0415 - contacts show assets, and these licences

        return Contact(id=self.contact_id) if self.contact_id else None

    @strawberry.field
    async def asset(self, info: Info) -> LazyAsset | None:
        """The device that uses it."""
        from subgraphs.assets.types.assets import READ as ASSETS  # noqa: PLC0415 - assets show licences
        from subgraphs.assets.types.assets import Asset  # noqa: PLC0415 - the same

        row = await info.context.row(models.Asset, self.asset_id, ASSETS) if self.asset_id else None
        return Asset.of(row) if row else None

    @classmethod
    def of(cls, row: models.LicenseSeat) -> Self:
        """The seat in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The seat that another module points at."""
        row = await info.context.row(models.LicenseSeat, id, READ)
        return cls.of(row) if row else None


async def _standings(work: Work, licenses: Sequence[UUID]) -> Mapping[UUID, Sequence[Standing]]:
    """One list for each licence, as `lists` wants it."""
    found = await service.standings(work, licenses)
    return {key: [found[key]] if key in found else [] for key in licenses}


@strawberry.input
class LicenseFilter:
    """Which licences: all that is given must hold."""

    customer_id: strawberry.ID | None = None
    """Of this customer."""
    metric: list[LicenseMetric] | None = None
    """That count one of these."""
    renewal_date: DateRange | None = None
    """To be renewed in this span of days."""
    end_date: DateRange | None = None
    """That end in this span of days."""


@strawberry.type
class LicensePayload:
    """What became of a command on a licence."""

    license: License | None = None
    """The licence as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class LicenseSeatPayload:
    """What became of a command on a seat."""

    license_seat: LicenseSeat | None = None
    """The seat as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
