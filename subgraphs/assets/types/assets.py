"""How assets look in the graph: their own types, and what they add to customers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.assets import models
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules import labels
from subgraphs.assets.rules import relations as relation_rules
from subgraphs.assets.rules.assets import AssetCriticality, AssetStatus
from subgraphs.assets.rules.relations import Hit, RelationKind
from subgraphs.assets.service import assets as service
from subgraphs.assets.service import expiring
from subgraphs.assets.service import licenses as license_service
from subgraphs.assets.service import relations as relation_service
from subgraphs.assets.service import software as software_service
from subgraphs.assets.service import stays as stay_service
from subgraphs.assets.service.expiring import Dropped, Expiry, ExpiryKind
from subgraphs.assets.types.kinds import AssetType, type_of
from subgraphs.assets.types.licenses import COSTS, CREDENTIALS, License
from subgraphs.assets.types.licenses import READ as LICENSES
from subgraphs.assets.types.software import SoftwareInstall, SoftwareProduct
from subgraphs.kit.context import Info
from subgraphs.kit.errors import Invalid
from subgraphs.kit.filters import DateRange, TimeRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, Date, UserError

READ = "assets:read"

if TYPE_CHECKING:
    from subgraphs.assets.types.others import Contact, Site

LazyContact = Annotated["Contact", strawberry.lazy("subgraphs.assets.types.others")]
LazySite = Annotated["Site", strawberry.lazy("subgraphs.assets.types.others")]

for spoken in (AssetStatus, AssetCriticality, RelationKind, ExpiryKind):
    strawberry.enum(spoken)

TypeKey = Annotated[str | None, strawberry.argument(description="Of the type with this key: `server`, `notebook`, …")]
Depth = Annotated[int, strawberry.argument(description="How many relations away, at most: 1 to 10.")]
Within = Annotated[int, strawberry.argument(description="Within so many days from today: 0 to 1830.")]
Status = Annotated[AssetStatus | None, strawberry.argument(description="In this status.")]


@entity(keys=["id"])
class Asset:
    """One thing that we look after or keep in stock: a device, real or virtual."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    type: str
    """What kind of asset it is: the key of its asset type, `server`, `notebook`, …"""
    customer_id: strawberry.ID | None
    """The customer whose it is; null for stock of our own."""
    site_id: strawberry.ID | None
    """The site of the customer where it stands."""
    contact_id: strawberry.ID | None
    """The person who uses it."""
    asset_tag: str | None
    """What the label on it says."""
    serial_number: str | None
    """The maker's number of this one piece."""
    manufacturer: str | None
    """Who made it."""
    model: str | None
    """What its maker calls it."""
    hostname: str | None
    """What it is called in the network."""
    mac_addresses: list[str]
    """Its hardware addresses, as `00:1a:2b:3c:4d:5e`; at most 100."""
    ip_addresses: list[str]
    """Its addresses in the network, IPv4 and IPv6; at most 100."""
    os: str | None
    """The operating system that runs on it."""
    os_version: str | None
    """The version of its operating system."""
    status: AssetStatus
    """Where it is in its life."""
    managed: bool
    """Whether we look after it."""
    criticality: AssetCriticality
    """How bad it is when it fails."""
    purchase_date: Date | None
    """When it was bought."""
    warranty_until: Date | None
    """The last day of its warranty."""
    useful_life_months: int | None
    """How long it is worth using, from the day it was bought."""
    eol_date: Date | None
    """The end of its life: the maker no longer makes it. It is told 365, 180, 90, 30 and 0 days before."""
    eos_date: Date | None
    """The end of its support: the maker no longer mends it."""
    installed_at: datetime | None
    """When it went into use."""
    retired_at: datetime | None
    """When it went out of use for good."""
    last_seen_at: datetime | None
    """When it was last seen to be alive."""
    cpu: str | None
    """Its processor."""
    ram_mb: int | None
    """Its memory, in mebibytes."""
    disk_gb: int | None
    """Its storage, in gigabytes."""
    supplier: str | None
    """Who sold it."""
    invoice_ref: str | None
    """The supplier's invoice on which it stands."""
    last_seen_source: str | None
    """What saw it last: the name of an agent, of a scan, of a directory."""
    rmm_ref: str | None
    """What the remote management calls it."""
    stored_price: strawberry.Private[Decimal | None]
    stored_secrets: strawberry.Private[str | None]
    attributes: JSON
    """Whatever else is known about it, as an object; the fields that its type demands among them."""
    wipe_certificate: str | None
    """The certificate that its data were wiped before it was disposed of."""
    merged_into: strawberry.ID | None
    """The record that has all of this one, since the two were found to be one device."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was recorded."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    async def asset_type(self, info: Info) -> AssetType | None:
        """What kind of asset it is."""
        return await type_of(info, self.type)

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    def purchase_price(self, info: Info) -> Decimal | None:
        """What was paid for it, without VAT; only for those who may see costs."""
        info.context.caller.require(COSTS)
        return self.stored_price

    @restricted(requires_scopes=[[CREDENTIALS]])  # type: ignore[untyped-decorator]
    def secrets_ref(self, info: Info) -> str | None:
        """Where its passwords are kept; only for those who may open the vault."""
        info.context.caller.require(CREDENTIALS)
        return self.stored_secrets

    @strawberry.field
    def customer(self) -> Customer | None:
        """The customer whose it is."""
        return Customer(id=self.customer_id) if self.customer_id else None

    @strawberry.field
    def site(self) -> LazySite | None:
        """The site where it stands."""
        from subgraphs.assets.types.others import Site  # noqa: PLC0415 - sites show assets

        return Site(id=self.site_id) if self.site_id else None

    @strawberry.field
    def contact(self) -> LazyContact | None:
        """Who uses it."""
        from subgraphs.assets.types.others import Contact  # noqa: PLC0415 - contacts show assets

        return Contact(id=self.contact_id) if self.contact_id else None

    @strawberry.field
    async def relations(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[AssetRelation] | None:
        """What it needs, and what needs it."""
        rows = await info.context.lists(
            relation_service.of_assets, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [AssetRelation.of(row) for row in rows]

    @strawberry.field
    async def impact(
        self, info: Info, depth: Depth = 5, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Impact] | None:
        """Who suffers when it fails, nearest first: all that needs it, and what needs that, and so on."""
        if not 1 <= depth <= relation_rules.DEEPEST:
            raise Invalid(f"depth must be between 1 and {relation_rules.DEEPEST}.", field="depth")
        most, first = bounded(limit), skipped(offset)
        hits = await info.context.lists(relation_service.impacts, self.id, READ, depth=depth)
        return [Impact.of(hit) for hit in hits[first : first + most]]

    @strawberry.field
    async def stays(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[AssetStay] | None:
        """Where it was and who used it, the latest first; times with customers whom you do not see are left out."""
        rows = await info.context.lists(
            stay_service.of_assets, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [AssetStay.of(row) for row in rows]

    @strawberry.field
    async def software(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[SoftwareInstall] | None:
        """What is installed on it, the first found first."""
        rows = await info.context.lists(
            software_service.on_assets, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [SoftwareInstall.of(row) for row in rows]

    @strawberry.field
    def label(self) -> str:
        """A label to stick on it, as SVG of 62 by 29 mm: its name, its tag, and a QR code that leads back here."""
        return labels.svg(UUID(str(self.id)), name=self.name, tag=self.asset_tag, serial=self.serial_number)

    @strawberry.field
    def replacement_date(self) -> Date | None:
        """When it should be replaced: the end of its support or of its useful life, whichever is first."""
        return rules.replacement_date(
            eos=self.eos_date,
            warranty_until=self.warranty_until,
            purchased=self.purchase_date,
            useful_life_months=self.useful_life_months,
        )

    @classmethod
    def of(cls, row: models.Asset) -> Self:
        """The asset in this row."""
        return shape(cls, row, stored_price=row.purchase_price, stored_secrets=row.secrets_ref)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The asset that another module points at."""
        row = await info.context.row(models.Asset, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class AssetRelation:
    """One asset needs another."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: RelationKind
    """How it needs it."""
    source_id: strawberry.ID
    """The asset that needs."""
    target_id: strawberry.ID
    """The asset that is needed."""

    @strawberry.field
    async def source(self, info: Info) -> Asset | None:
        """The asset that needs."""
        return await _asset(info, self.source_id)

    @strawberry.field
    async def target(self, info: Info) -> Asset | None:
        """The asset that is needed."""
        return await _asset(info, self.target_id)

    @classmethod
    def of(cls, row: models.AssetRelation) -> Self:
        """The relation in this row."""
        return shape(cls, row)


@strawberry.type
class Impact:
    """An asset that suffers from a failure."""

    asset_id: strawberry.ID
    """The asset."""
    distance: int
    """How many relations away it is; 1 is the next."""
    via_id: strawberry.ID
    """The asset through which it is hit."""
    kind: RelationKind
    """How it needs that one."""

    @strawberry.field
    async def asset(self, info: Info) -> Asset | None:
        """The asset; null when you may not see it."""
        return await _asset(info, self.asset_id)

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """The impact of this hit."""
        return cls(
            asset_id=strawberry.ID(str(hit.asset)),
            distance=hit.distance,
            via_id=strawberry.ID(str(hit.via)),
            kind=hit.kind,
        )


@strawberry.type
class AssetStay:
    """Where an asset was, and who used it, for a while."""

    customer_id: strawberry.ID | None
    """The customer whose it was; null for stock of our own."""
    site_id: strawberry.ID | None
    """The site where it stood."""
    contact_id: strawberry.ID | None
    """The person who used it."""
    since: datetime
    """When it came there."""
    until: datetime | None
    """When it left; null while it is there."""

    @classmethod
    def of(cls, row: models.AssetStay) -> Self:
        """The stay in this row."""
        return shape(cls, row)


async def _asset(info: Info, id: strawberry.ID) -> Asset | None:
    row = await info.context.row(models.Asset, id, READ)
    return Asset.of(row) if row else None


@strawberry.type
class ExpiringItem:
    """Something that ends soon, or has ended and is still in use."""

    day: Date
    """The day on which it ends."""
    kind: ExpiryKind
    """What ends."""
    name: str
    """What it is called: the asset, or the product."""
    asset: Asset | None
    """The asset whose it is."""
    license: License | None
    """The licence that it is."""
    software: SoftwareProduct | None
    """The product of which it is."""
    devices: int | None
    """On how many of the customer's devices that product is installed."""
    customer: Customer | None
    """Whose it is; null for what is ours."""

    @classmethod
    def of(cls, one: Expiry) -> Self:
        """The item of this expiry."""
        whose = Customer(id=strawberry.ID(str(one.what.customer_id))) if one.what.customer_id else None
        item = cls(
            day=one.day, kind=one.kind, name=_called(one), asset=None, license=None, software=None, devices=None,
            customer=whose,
        )  # fmt: skip
        match one.what:
            case models.Asset():
                item.asset = Asset.of(one.what)
            case models.License():
                item.license = License.of(one.what)
            case Dropped():
                item.software, item.devices = SoftwareProduct.of(one.what.product), one.what.devices
        return item


def _called(one: Expiry) -> str:
    match one.what:
        case models.Asset():
            return one.what.name
        case models.License():
            return one.what.product
        case Dropped(product=product):
            return " ".join(part for part in (product.vendor, product.name, product.release) if part)


def within(days: int) -> int:
    """Within how many days something ends; raises `Invalid` for what lies too far."""
    if not 0 <= days <= expiring.FURTHEST_DAYS:
        raise Invalid(f"withinDays must be between 0 and {expiring.FURTHEST_DAYS}.", field="withinDays")
    return days


@entity(keys=["id"])
class Customer:
    """The assets of a customer; the customer itself is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def assets(
        self,
        info: Info,
        type: TypeKey = None,
        status: Status = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Asset] | None:
        """The customer's assets, by name."""
        rows = await info.context.lists(
            service.of_customers,
            self.id,
            READ,
            type=type,
            status=status,
            limit=bounded(limit),
            offset=skipped(offset),
        )
        return [Asset.of(row) for row in rows]

    @strawberry.field
    async def licenses(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[License] | None:
        """The customer's licences, by product."""
        rows = await info.context.lists(
            license_service.of_customers, self.id, LICENSES, limit=bounded(limit), offset=skipped(offset)
        )
        return [License.of(row) for row in rows]

    @strawberry.field
    async def expiring_items(
        self, info: Info, within_days: Within = 90, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ExpiringItem] | None:
        """What of the customer's ends soon, the first day first: warranties, support, life, certificates, licences, software."""
        info.context.caller.require(LICENSES)
        rows = await info.context.lists(
            expiring.of_customers,
            self.id,
            READ,
            within_days=within(within_days),
            limit=bounded(limit),
            offset=skipped(offset),
        )
        return [ExpiringItem.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The customer that the graph is at; its assets are looked up when they are asked for."""
        return cls(id=id)


@strawberry.input
class AssetFilter:
    """Which assets: all that is given must hold."""

    type: list[str] | None = None
    """Of one of the types with these keys."""
    status: list[AssetStatus] | None = None
    """In one of these statuses."""
    criticality: list[AssetCriticality] | None = None
    """As critical as one of these."""
    managed: bool | None = None
    """Whether we look after it."""
    customer_id: strawberry.ID | None = None
    """Of this customer."""
    site_id: strawberry.ID | None = None
    """At this site."""
    contact_id: strawberry.ID | None = None
    """Used by this person."""
    warranty_until: DateRange | None = None
    """Whose warranty ends in this span of days."""
    eol_date: DateRange | None = None
    """Whose life ends in this span of days."""
    eos_date: DateRange | None = None
    """Whose support ends in this span of days."""
    last_seen_at: TimeRange | None = None
    """Last seen in this span of time."""
    rmm_ref: str | None = None
    """What the remote management calls so."""
    supplier: str | None = None
    """Sold by this supplier."""


@strawberry.type
class AssetPayload:
    """What became of a command on an asset."""

    asset: Asset | None = None
    """The asset as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
