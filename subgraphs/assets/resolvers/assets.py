"""The ways into assets by GraphQL: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

import strawberry

from subgraphs.assets import models
from subgraphs.assets.rules.assets import AssetCriticality, AssetStatus
from subgraphs.assets.service import assets as service
from subgraphs.assets.service import expiring, kinds
from subgraphs.assets.types.assets import (
    READ,
    Asset,
    AssetFilter,
    AssetPayload,
    ExpiringItem,
    Status,
    TypeKey,
    Within,
    within,
)
from subgraphs.assets.types.kinds import AssetType, AssetTypePayload, types_known
from subgraphs.assets.types.licenses import READ as LICENSES
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON, Date
from subgraphs.kit.work import Work

WRITE = "assets:write"


@strawberry.type
class AssetQuery:
    """What can be asked about assets."""

    @strawberry.field
    async def asset(self, info: Info, id: strawberry.ID) -> Asset | None:
        """One asset, by its UUID; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await service.find(work, id)
        return Asset.of(row) if row else None

    @strawberry.field
    async def assets(
        self,
        info: Info,
        type: TypeKey = None,
        status: Status = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Asset]:
        """Assets, by name."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await service.listed(
                work, type=type, status=status, customer_id=customer_id, limit=most, offset=first
            )
        return [Asset.of(row) for row in rows]

    @strawberry.field
    async def expiring_items(
        self, info: Info, within_days: Within = 90, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ExpiringItem]:
        """What ends soon at all customers and with ourselves, the first day first: warranties, support, life, certificates, licences."""
        info.context.caller.require(LICENSES)
        days, most, first = within(within_days), bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await expiring.of_all(work, within_days=days, limit=most, offset=first)
        return [ExpiringItem.of(row) for row in rows]

    @strawberry.field
    async def assets_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: AssetFilter | None = None,
        search: str | None = None,
    ) -> Connection[Asset]:
        """Assets page by page, by name; `search` looks into names, tags, serial numbers and hostnames."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Asset, service.BY_NAME, wanted, Asset.of, count=count)

    @strawberry.field
    async def asset_types(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[AssetType]:
        """The kinds of assets that there are: those that everybody knows, then your own."""
        most, first = bounded(limit), skipped(offset)
        known = list((await types_known(info)).values())
        return [AssetType.of(one) for one in known[first : first + most]]


@strawberry.input
class CreateAssetInput(Command):
    """A new asset."""

    name: str
    """What people call it, in one line of at most 200 characters."""
    type: str
    """What kind of asset it is: the key of an asset type, `server`, `notebook`, …"""
    status: AssetStatus = AssetStatus.IN_STOCK
    """Where it is in its life: PLANNED, ORDERED, IN_STOCK or DEPLOYED; what is DEPLOYED needs a customer."""
    customer_id: strawberry.ID | None = None
    """The customer whose it is; absent for stock of our own."""
    site_id: strawberry.ID | None = None
    """The site of the customer where it stands."""
    contact_id: strawberry.ID | None = None
    """The person who uses it."""
    asset_tag: str | None = None
    """What the label on it says."""
    serial_number: str | None = None
    """The maker's number of this one piece."""
    manufacturer: str | None = None
    """Who made it."""
    model: str | None = None
    """What its maker calls it."""
    hostname: str | None = None
    """What it is called in the network."""
    mac_addresses: list[str] | None = None
    """Its hardware addresses; at most 100."""
    ip_addresses: list[str] | None = None
    """Its addresses in the network, IPv4 and IPv6; at most 100."""
    os: str | None = None
    """The operating system that runs on it."""
    os_version: str | None = None
    """The version of its operating system."""
    managed: bool = True
    """Whether we look after it."""
    criticality: AssetCriticality = AssetCriticality.MEDIUM
    """How bad it is when it fails."""
    purchase_date: Date | None = None
    """When it was bought."""
    warranty_until: Date | None = None
    """The last day of its warranty."""
    useful_life_months: int | None = None
    """How long it is worth using, from the day it was bought: 1 to 600 months."""
    eol_date: Date | None = None
    """The end of its life: the maker no longer makes it."""
    eos_date: Date | None = None
    """The end of its support: the maker no longer mends it."""
    installed_at: datetime | None = None
    """When it went into use; now, when it is DEPLOYED and nothing else is said."""
    last_seen_at: datetime | None = None
    """When it was last seen to be alive."""
    cpu: str | None = None
    """Its processor."""
    ram_mb: int | None = None
    """Its memory, in mebibytes."""
    disk_gb: int | None = None
    """Its storage, in gigabytes."""
    purchase_price: Decimal | None = None
    """What was paid for it, without VAT."""
    supplier: str | None = None
    """Who sold it."""
    invoice_ref: str | None = None
    """The supplier's invoice on which it stands."""
    last_seen_source: str | None = None
    """What saw it last."""
    rmm_ref: str | None = None
    """What the remote management calls it."""
    secrets_ref: str | None = None
    """Where its passwords are kept; never a password itself."""
    attributes: JSON | None = None
    """Whatever else is known about it, as an object."""


@strawberry.input
class AssetCommand(Change):
    """The asset that a command is about."""

    id: strawberry.ID
    """The asset."""


@strawberry.input
class UpdateAssetInput(AssetCommand):
    """Changes to what describes an asset; what is absent stays."""

    name: str | None = strawberry.UNSET
    """What people call it, in one line of at most 200 characters."""
    type: str | None = strawberry.UNSET
    """What kind of asset it is: the key of an asset type."""
    asset_tag: str | None = strawberry.UNSET
    """What the label on it says; null removes it."""
    serial_number: str | None = strawberry.UNSET
    """The maker's number of this one piece; null removes it."""
    manufacturer: str | None = strawberry.UNSET
    """Who made it; null removes it."""
    model: str | None = strawberry.UNSET
    """What its maker calls it; null removes it."""
    hostname: str | None = strawberry.UNSET
    """What it is called in the network; null removes it."""
    mac_addresses: list[str] | None = strawberry.UNSET
    """All its hardware addresses; null removes them."""
    ip_addresses: list[str] | None = strawberry.UNSET
    """All its addresses in the network; null removes them."""
    os: str | None = strawberry.UNSET
    """The operating system that runs on it; null removes it."""
    os_version: str | None = strawberry.UNSET
    """The version of its operating system; null removes it."""
    managed: bool | None = strawberry.UNSET
    """Whether we look after it."""
    criticality: AssetCriticality | None = strawberry.UNSET
    """How bad it is when it fails."""
    purchase_date: Date | None = strawberry.UNSET
    """When it was bought; null removes it."""
    warranty_until: Date | None = strawberry.UNSET
    """The last day of its warranty; null removes it."""
    useful_life_months: int | None = strawberry.UNSET
    """How long it is worth using, from the day it was bought: 1 to 600 months; null removes it."""
    last_seen_at: datetime | None = strawberry.UNSET
    """When it was last seen to be alive."""
    cpu: str | None = strawberry.UNSET
    """Its processor; null removes it."""
    ram_mb: int | None = strawberry.UNSET
    """Its memory, in mebibytes; null removes it."""
    disk_gb: int | None = strawberry.UNSET
    """Its storage, in gigabytes; null removes it."""
    purchase_price: Decimal | None = strawberry.UNSET
    """What was paid for it, without VAT; null removes it."""
    supplier: str | None = strawberry.UNSET
    """Who sold it; null removes it."""
    invoice_ref: str | None = strawberry.UNSET
    """The supplier's invoice on which it stands; null removes it."""
    last_seen_source: str | None = strawberry.UNSET
    """What saw it last; null removes it."""
    rmm_ref: str | None = strawberry.UNSET
    """What the remote management calls it; null removes it."""
    secrets_ref: str | None = strawberry.UNSET
    """Where its passwords are kept; never a password itself; null removes it."""
    attributes: JSON | None = strawberry.UNSET
    """All that is known beside the above, as an object; null removes it."""


@strawberry.input
class OrderAssetInput(AssetCommand):
    """The planned asset that was bought."""


@strawberry.input
class ReceiveAssetInput(AssetCommand):
    """The ordered asset that has arrived."""


@strawberry.input
class DeployAssetInput(AssetCommand):
    """Where an asset from stock goes into use."""

    customer_id: strawberry.ID | None = strawberry.UNSET
    """The customer who uses it; may be absent when the asset has one."""
    site_id: strawberry.ID | None = strawberry.UNSET
    """The site of the customer where it stands."""
    contact_id: strawberry.ID | None = strawberry.UNSET
    """The person who uses it."""
    installed_at: datetime | None = None
    """When it went into use; now, when nothing else is said."""


@strawberry.input
class MoveAssetInput(AssetCommand):
    """Where an asset is from now on; what is absent stays, but no site or contact stays with another customer."""

    customer_id: strawberry.ID | None = strawberry.UNSET
    """The customer whose it is; null makes it stock of our own, if it is not in use."""
    site_id: strawberry.ID | None = strawberry.UNSET
    """The site of the customer where it stands; null removes it."""
    contact_id: strawberry.ID | None = strawberry.UNSET
    """The person who uses it; null removes it."""


@strawberry.input
class StartMaintenanceInput(AssetCommand):
    """The asset that is out of use for a while."""


@strawberry.input
class EndMaintenanceInput(AssetCommand):
    """The asset that is back in use."""


@strawberry.input
class RetireAssetInput(AssetCommand):
    """The asset that goes out of use for good."""


@strawberry.input
class DisposeAssetInput(AssetCommand):
    """The retired asset that is gone."""

    wipe_certificate: str | None = None
    """The certificate that its data were wiped; demanded of what may hold data: computers, phones, storage, printers."""


@strawberry.input
class ReportLostInput(AssetCommand):
    """The asset that cannot be found."""


@strawberry.input
class SetEolDatesInput(AssetCommand):
    """How long the maker makes and mends an asset; what is absent stays."""

    eol_date: Date | None = strawberry.UNSET
    """The end of its life: the maker no longer makes it; null removes it."""
    eos_date: Date | None = strawberry.UNSET
    """The end of its support: the maker no longer mends it; null removes it."""


@strawberry.input
class CreateAssetTypeInput(Command):
    """A kind of asset of your own."""

    key: str
    """What it is called in filters and events: up to 50 lowercase letters, digits and underscores."""
    name: str
    """What people call it."""
    counts_as_device: bool = False
    """Whether contracts that bill per device count it."""
    parent: str | None = None
    """The key of the wider kind that it belongs to."""
    attribute_schema: JSON | None = None
    """What fields of their own such assets have, as JSON Schema without `$ref` and patterns."""
    holds_data: bool | None = None
    """Whether such things may hold data of people; absent: as the wider kind does."""
    icon: str | None = None
    """The name of its picture."""


@strawberry.type
class AssetMutation:
    """What can be done with assets."""

    @command(WRITE, AssetPayload)
    async def create_asset(work: Work, input: CreateAssetInput) -> models.Asset:
        """Record an asset."""
        return await service.create(work, **given(input))

    @command(WRITE, AssetPayload)
    async def update_asset(work: Work, input: UpdateAssetInput) -> models.Asset:
        """Change what describes an asset; its status, its place and its end of life have commands of their own."""
        return await service.change(work, **given(input))

    @command(WRITE, AssetPayload)
    async def order_asset(work: Work, input: OrderAssetInput) -> models.Asset:
        """Say that a planned asset was bought."""
        return await service.order(work, **given(input))

    @command(WRITE, AssetPayload)
    async def receive_asset(work: Work, input: ReceiveAssetInput) -> models.Asset:
        """Say that an ordered asset has arrived: it is in stock from then on."""
        return await service.receive(work, **given(input))

    @command(WRITE, AssetPayload)
    async def deploy_asset(work: Work, input: DeployAssetInput) -> models.Asset:
        """Put an asset from stock into use at a customer."""
        return await service.deploy(work, **given(input))

    @command(WRITE, AssetPayload)
    async def move_asset(work: Work, input: MoveAssetInput) -> models.Asset:
        """Give an asset to another customer, site or person."""
        return await service.relocate(work, **given(input))

    @command(WRITE, AssetPayload)
    async def start_maintenance(work: Work, input: StartMaintenanceInput) -> models.Asset:
        """Take an asset out of use for a while."""
        return await service.start_maintenance(work, **given(input))

    @command(WRITE, AssetPayload)
    async def end_maintenance(work: Work, input: EndMaintenanceInput) -> models.Asset:
        """Give an asset back into use."""
        return await service.end_maintenance(work, **given(input))

    @command(WRITE, AssetPayload)
    async def retire_asset(work: Work, input: RetireAssetInput) -> models.Asset:
        """Take an asset out of use for good; its end of life is not told any more."""
        return await service.retire(work, **given(input))

    @command(WRITE, AssetPayload)
    async def dispose_asset(work: Work, input: DisposeAssetInput) -> models.Asset:
        """Say that a retired asset is gone; nothing about it changes any more."""
        return await service.dispose(work, **given(input))

    @command(WRITE, AssetPayload)
    async def report_lost(work: Work, input: ReportLostInput) -> models.Asset:
        """Say that nobody knows where an asset is."""
        return await service.report_lost(work, **given(input))

    @command(WRITE, AssetPayload)
    async def set_eol_dates(work: Work, input: SetEolDatesInput) -> models.Asset:
        """Say until when the maker makes and mends an asset; `asset.eol` is told as the end comes nearer."""
        return await service.set_eol_dates(work, **given(input))

    @command(WRITE, AssetTypePayload)
    async def create_asset_type(work: Work, input: CreateAssetTypeInput) -> models.AssetType:
        """Make a kind of asset that the platform does not know."""
        return await kinds.create(work, **given(input))


@strawberry.type
class Subscription:
    """What can be watched about assets."""

    @strawberry.subscription
    async def asset_updated(
        self, info: Info, id: strawberry.ID | None = None, customer_id: strawberry.ID | None = None
    ) -> AsyncGenerator[Asset, None]:
        """An asset, each time when something happened to it: one, those of a customer, or all that you may see."""
        of = service.of_customer(customer_id)
        async with aclosing(live.changes(info.context, models.Asset, READ, identity=id, where=of)) as rows:
            async for row in rows:
                yield Asset.of(row)
