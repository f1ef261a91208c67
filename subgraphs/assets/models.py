"""The tables of assets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.assets.rules.assets import AssetCriticality, AssetStatus
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
    installed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    retired_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    last_seen_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    attributes: Mapped[dict[str, Any]]


class AssetType(tables.Entity, Model):
    """A kind of asset that a tenant made for itself; what every tenant knows is in `rules`, and in no row."""

    __tablename__ = "asset_type"

    key: Mapped[str]
    name: Mapped[str]
    parent: Mapped[str | None]
    counts_as_device: Mapped[bool]
    icon: Mapped[str | None]
