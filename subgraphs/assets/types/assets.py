"""How assets look in the graph: their own types, and what they add to customers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.assets import models
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.service import assets as service
from subgraphs.assets.rules.assets import AssetCriticality, AssetStatus, SystemType
from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange, TimeRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, Date, UserError

READ = "assets:read"

for spoken in (AssetStatus, AssetCriticality):
    strawberry.enum(spoken)

TypeKey = Annotated[str | None, strawberry.argument(description="Of the type with this key: `server`, `notebook`, …")]
Status = Annotated[AssetStatus | None, strawberry.argument(description="In this status.")]


@strawberry.type
class AssetType:
    """A kind of asset: one that every tenant knows, or one of your own."""

    key: str
    """What it is called in filters and events: `server`, `access_point`, …"""
    name: str
    """What people call it."""
    counts_as_device: bool
    """Whether contracts that bill per device count it."""
    icon: str | None
    """The name of its picture."""
    parent_key: strawberry.Private[str | None]

    @strawberry.field
    async def parent(self, info: Info) -> AssetType | None:
        """The wider kind that it belongs to."""
        return await type_of(info, self.parent_key) if self.parent_key else None

    @classmethod
    def of(cls, row: models.AssetType | SystemType) -> Self:
        """The asset type in this row, or among those that every tenant knows."""
        return cls(
            key=row.key,
            name=row.name,
            counts_as_device=row.counts_as_device,
            icon=row.icon,
            parent_key=row.parent,
        )


async def types_known(info: Info) -> dict[str, models.AssetType | SystemType]:
    """All asset types by key: first those that every tenant knows; the tenant's own are read once for each request."""
    own = await info.context.lists(service.own_types, info.context.caller.tenant, READ)
    return {**rules.SYSTEM_TYPES, **{row.key: row for row in own}}


async def type_of(info: Info, key: str) -> AssetType | None:
    """The asset type with this key."""
    found = rules.SYSTEM_TYPES.get(key) or (await types_known(info)).get(key)
    return AssetType.of(found) if found else None


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
    attributes: JSON
    """Whatever else is known about it, as an object."""
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

    @strawberry.field
    def customer(self) -> Customer | None:
        """The customer whose it is."""
        return Customer(id=self.customer_id) if self.customer_id else None

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
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The asset that another module points at."""
        row = await info.context.row(models.Asset, id, READ)
        return cls.of(row) if row else None


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


@strawberry.type
class AssetPayload:
    """What became of a command on an asset."""

    asset: Asset | None = None
    """The asset as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class AssetTypePayload:
    """What became of a command on an asset type."""

    asset_type: AssetType | None = None
    """The asset type as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
