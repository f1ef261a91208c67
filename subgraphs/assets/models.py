"""The tables of assets."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.assets.rules.assets import AssetCriticality, AssetStatus
from subgraphs.assets.rules.licenses import ComplianceStatus, LicenseMetric
from subgraphs.assets.rules.matching import Decision
from subgraphs.assets.rules.relations import RelationKind
from subgraphs.kit import tables


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""


class Asset(tables.Entity, Model):
    """One thing that we look after or sell: a device, real or virtual."""

    __tablename__ = "asset"

    name: Mapped[str]
    type: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    asset_tag: Mapped[str | None]
    serial_number: Mapped[str | None]
    manufacturer: Mapped[str | None]
    model: Mapped[str | None]
    hostname: Mapped[str | None]
    mac_addresses: Mapped[list[str]]
    ip_addresses: Mapped[list[str]]
    os: Mapped[str | None]
    os_version: Mapped[str | None]
    status: Mapped[AssetStatus] = mapped_column(Enum(AssetStatus, native_enum=False))
    managed: Mapped[bool]
    criticality: Mapped[AssetCriticality] = mapped_column(Enum(AssetCriticality, native_enum=False))
    purchase_date: Mapped[date | None]
    warranty_until: Mapped[date | None]
    useful_life_months: Mapped[int | None]
    eol_date: Mapped[date | None]
    eos_date: Mapped[date | None]
    eol_told: Mapped[int | None]
    """The end-of-life threshold that was told last; see `rules`."""
    warranty_told: Mapped[int | None]
    """The threshold before the end of the warranty that was told last."""
    wipe_certificate: Mapped[str | None]
    merged_into: Mapped[UUID | None] = mapped_column(Uuid)
    installed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    retired_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    last_seen_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    attributes: Mapped[dict[str, Any]]
    cpu: Mapped[str | None]
    ram_mb: Mapped[int | None]
    disk_gb: Mapped[int | None]
    purchase_price: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    supplier: Mapped[str | None]
    invoice_ref: Mapped[str | None]
    last_seen_source: Mapped[str | None]
    rmm_ref: Mapped[str | None]
    secrets_ref: Mapped[str | None]


class TenantZone(Model):
    """Where a company is that sells, as billing told it."""

    __tablename__ = "tenant_zone"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    time_zone: Mapped[str]
    at: Mapped[datetime] = mapped_column(tables.Moment)


class AssetType(tables.Entity, Model):
    """A kind of asset that a tenant made for itself; what every tenant knows is in `rules`, and in no row."""

    __tablename__ = "asset_type"

    key: Mapped[str]
    name: Mapped[str]
    parent: Mapped[str | None]
    counts_as_device: Mapped[bool]
    icon: Mapped[str | None]
    attribute_schema: Mapped[dict[str, Any] | None]
    holds_data: Mapped[bool | None]
    """Whether such things hold data of people; None: what is known of its parent decides."""


class License(tables.Entity, Model):
    """The right to use a product, for so many."""

    __tablename__ = "license"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    product: Mapped[str]
    vendor: Mapped[str | None]
    metric: Mapped[LicenseMetric] = mapped_column(Enum(LicenseMetric, native_enum=False))
    purchased: Mapped[int]
    includes: Mapped[list[str]]
    commitment_end: Mapped[date | None]
    renewal_date: Mapped[date | None]
    end_date: Mapped[date | None]
    key_ref: Mapped[str | None]
    vendor_subscription_id: Mapped[str | None]
    cost_per_unit: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    compliance: Mapped[ComplianceStatus] = mapped_column(Enum(ComplianceStatus, native_enum=False))
    """As it was told last; what it is now is computed."""


class LicenseSeat(tables.Entity, Model):
    """Somebody who uses a licence, or used it."""

    __tablename__ = "license_seat"

    license_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    principal: Mapped[str]
    directory: Mapped[str | None]
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    asset_id: Mapped[UUID | None] = mapped_column(Uuid)
    assigned_at: Mapped[datetime] = mapped_column(tables.Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    last_active_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    principal_disabled: Mapped[bool]


class AssetRelation(tables.Entity, Model):
    """One asset needs another."""

    __tablename__ = "asset_relation"

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The customer of the asset that needs."""
    source_id: Mapped[UUID] = mapped_column(Uuid)
    target_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[RelationKind] = mapped_column(Enum(RelationKind, native_enum=False))


class AssetStay(tables.Entity, Model):
    """Where an asset was, and who used it, for a while."""

    __tablename__ = "asset_stay"

    asset_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    since: Mapped[datetime] = mapped_column(tables.Moment)
    until: Mapped[datetime | None] = mapped_column(tables.Moment)


class SoftwareProduct(tables.Entity, Model):
    """A product in one release; its identifier follows from what it is called."""

    __tablename__ = "software_product"

    name: Mapped[str]
    vendor: Mapped[str | None]
    release: Mapped[str | None]
    eol_date: Mapped[date | None]


class SoftwareInstall(tables.Entity, Model):
    """A product on a device, while it is there."""

    __tablename__ = "software_install"

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    asset_id: Mapped[UUID] = mapped_column(Uuid)
    product_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[str]
    detected_at: Mapped[datetime] = mapped_column(tables.Moment)
    removed_at: Mapped[datetime | None] = mapped_column(tables.Moment)


class AssetImport(tables.Entity, Model):
    """Devices that came in together, and what became of each."""

    __tablename__ = "asset_import"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[str]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class MatchCandidate(tables.Entity, Model):
    """Something that came in and may be a device that we know; somebody decides."""

    __tablename__ = "match_candidate"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    import_id: Mapped[UUID] = mapped_column(Uuid)
    asset_id: Mapped[UUID] = mapped_column(Uuid)
    score: Mapped[int]
    incoming: Mapped[dict[str, Any]]
    decision: Mapped[Decision] = mapped_column(Enum(Decision, native_enum=False))
    decided_asset_id: Mapped[UUID | None] = mapped_column(Uuid)
