"""The tables of contracts: what was agreed, and the lines of it, version after version."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.crm.models.customers import Model
from subgraphs.crm.rules.contracts import (
    ContractLineKind,
    ContractStatus,
    ContractType,
    IndexationType,
    NoticeBy,
    Overage,
    ProrationMode,
    QuantityMode,
    QuantityPolicy,
)
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit import tables

Quantity = Numeric(12, 4)
UnitPrice = Numeric(14, 4)
Percent = Numeric(7, 2)


class ProductCopy(Model):
    """A product of the catalogue, as billing told of it: that it is there."""

    __tablename__ = "product_copy"

    product_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    at: Mapped[datetime] = mapped_column(tables.Moment)


class Contract(tables.Entity, Model):
    """What was agreed with a customer."""

    __tablename__ = "contract"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str]
    legal_entity_id: Mapped[UUID | None] = mapped_column(Uuid)
    title: Mapped[str]
    type: Mapped[ContractType] = mapped_column(Enum(ContractType, native_enum=False))
    status: Mapped[ContractStatus] = mapped_column(Enum(ContractStatus, native_enum=False))
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    term_months: Mapped[int | None]
    auto_renew: Mapped[bool]
    renewal_months: Mapped[int | None]
    notice_months: Mapped[int | None]
    notice_deadline: Mapped[date | None]
    notice_given_on: Mapped[date | None]
    notice_by: Mapped[NoticeBy | None] = mapped_column(Enum(NoticeBy, native_enum=False))
    reminded: Mapped[list[str]] = mapped_column(JSONB)
    """Of which deadlines somebody was told, and how many days before: `2026-09-30/30`."""
    billing_interval: Mapped[BillingInterval] = mapped_column(Enum(BillingInterval, native_enum=False))
    billing_anchor_day: Mapped[int | None]
    bill_in_advance: Mapped[bool]
    currency: Mapped[str]
    indexation_type: Mapped[IndexationType] = mapped_column(Enum(IndexationType, native_enum=False))
    indexation_percent: Mapped[Decimal | None] = mapped_column(Percent)
    indexation_reference: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    indexation_next: Mapped[date | None]
    sla_policy_id: Mapped[UUID | None] = mapped_column(Uuid)
    coverage: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    priority: Mapped[int]
    included_hours: Mapped[Decimal | None] = mapped_column(Quantity)
    hourly_rate: Mapped[Decimal | None] = mapped_column(UnitPrice)
    overage: Mapped[Overage] = mapped_column(Enum(Overage, native_enum=False))
    po_number: Mapped[str | None]
    signed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    quote_id: Mapped[UUID | None] = mapped_column(Uuid)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class ContractLine(tables.Entity, Model):
    """One position of a contract, as it holds from a day on."""

    __tablename__ = "contract_line"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contract_id: Mapped[UUID] = mapped_column(Uuid)
    replaces_id: Mapped[UUID | None] = mapped_column(Uuid)
    position: Mapped[int]
    product_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[ContractLineKind] = mapped_column(Enum(ContractLineKind, native_enum=False))
    description: Mapped[str]
    quantity_mode: Mapped[QuantityMode] = mapped_column(Enum(QuantityMode, native_enum=False))
    quantity_policy: Mapped[QuantityPolicy] = mapped_column(Enum(QuantityPolicy, native_enum=False))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    min_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    max_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit_code: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(UnitPrice)
    discount_percent: Mapped[Decimal] = mapped_column(Percent)
    included_hours: Mapped[Decimal | None] = mapped_column(Quantity)
    hourly_rate_overage: Mapped[Decimal | None] = mapped_column(UnitPrice)
    tiers: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    tax_code: Mapped[str]
    prorate: Mapped[ProrationMode] = mapped_column(Enum(ProrationMode, native_enum=False))
    count_query: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    asset_ids: Mapped[list[str]] = mapped_column(JSONB)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
