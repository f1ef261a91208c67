"""The tables of what was agreed: how customers are billed, their contracts, and what they paid before."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.billing.models.catalogue import Model, Money, Percent, Quantity, UnitPrice
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.contracts import ContractStatus, ContractType, LineKind
from subgraphs.billing.rules.periods import BillingInterval
from subgraphs.billing.rules.prepaid import MovementKind, Overage, PrepaidUnit
from subgraphs.billing.rules.proration import ProrationMode
from subgraphs.billing.rules.quantities import QuantityMode, QuantityPolicy, VarianceStatus
from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.kit import tables


class BillingAccount(tables.Entity, Model):
    """How a customer is billed; its identifier is the customer's."""

    __tablename__ = "billing_account"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str | None]
    name: Mapped[str]
    address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    vat_id: Mapped[str | None]
    vat_id_status: Mapped[VatIdStatus] = mapped_column(Enum(VatIdStatus, native_enum=False))
    vat_id_checked_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    is_business: Mapped[bool]
    currency: Mapped[str]
    language: Mapped[str]
    payment_days: Mapped[int]
    skonto: Mapped[list[Any]] = mapped_column(JSONB)
    invoice_email: Mapped[str | None]
    einvoice_format: Mapped[EInvoiceFormat] = mapped_column(Enum(EInvoiceFormat, native_enum=False))
    einvoice_endpoint: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    buyer_reference: Mapped[str | None]
    debtor_account: Mapped[str | None]
    dunning_block: Mapped[bool]
    holiday_region: Mapped[str | None]
    told_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    """When crm last told its name: an older event never overwrites a newer one."""


class VatIdCheck(tables.Entity, Model):
    """What the register said of a VAT id: evidence, so a row is written once and stays."""

    __tablename__ = "vat_id_check"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    vat_id: Mapped[str]
    asking_vat_id: Mapped[str | None]
    status: Mapped[VatIdStatus] = mapped_column(Enum(VatIdStatus, native_enum=False))
    checked_at: Mapped[datetime] = mapped_column(tables.Moment)
    consultation_number: Mapped[str | None]
    name: Mapped[str | None]
    address: Mapped[str | None]
    matches: Mapped[dict[str, str]] = mapped_column(JSONB)
    fault: Mapped[str | None]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CustomerMerge(Model):
    """A customer that became another one; a row is written once and stays."""

    __tablename__ = "customer_merge"

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    survivor_id: Mapped[UUID] = mapped_column(Uuid)
    merged_at: Mapped[datetime] = mapped_column(tables.Moment)


class BilledContract(tables.Entity, Model):
    """A contract, as far as money depends on it; its identifier is the contract's."""

    __tablename__ = "contract"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    legal_entity_id: Mapped[UUID | None] = mapped_column(Uuid)
    number: Mapped[str]
    title: Mapped[str]
    type: Mapped[ContractType] = mapped_column(Enum(ContractType, native_enum=False))
    status: Mapped[ContractStatus] = mapped_column(Enum(ContractStatus, native_enum=False))
    start_date: Mapped[date]
    end_date: Mapped[date | None]
    billing_interval: Mapped[BillingInterval] = mapped_column(Enum(BillingInterval, native_enum=False))
    bill_in_advance: Mapped[bool]
    priority: Mapped[int]
    coverage: Mapped[list[Any]] = mapped_column(JSONB)
    asset_ids: Mapped[list[str]] = mapped_column(JSONB)
    included_hours: Mapped[Decimal | None] = mapped_column(Quantity)
    hourly_rate: Mapped[Decimal | None] = mapped_column(UnitPrice)
    overage: Mapped[Overage] = mapped_column(Enum(Overage, native_enum=False))
    po_number: Mapped[str | None]
    anchor_day: Mapped[int | None]
    pauses: Mapped[list[Any]] = mapped_column(JSONB)
    told_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    """When crm last told it; null for one that was entered here."""
    next_grant: Mapped[date | None]
    """The day for which a timer is set to buy what is bought for each period."""


class ContractLine(tables.Entity, Model):
    """Something that a contract bills again and again."""

    __tablename__ = "contract_line"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contract_id: Mapped[UUID] = mapped_column(Uuid)
    product_id: Mapped[UUID | None] = mapped_column(Uuid)
    description: Mapped[str]
    quantity_mode: Mapped[QuantityMode] = mapped_column(Enum(QuantityMode, native_enum=False))
    quantity_policy: Mapped[QuantityPolicy] = mapped_column(Enum(QuantityPolicy, native_enum=False))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    min_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    max_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit_code: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(UnitPrice)
    cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    discount_percent: Mapped[Decimal] = mapped_column(Percent)
    tiers: Mapped[list[Any]] = mapped_column(JSONB)
    tax_code: Mapped[str]
    prorate: Mapped[ProrationMode] = mapped_column(Enum(ProrationMode, native_enum=False))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    committed_until: Mapped[date | None]
    kind: Mapped[LineKind] = mapped_column(Enum(LineKind, native_enum=False))
    replaces_id: Mapped[UUID | None] = mapped_column(Uuid)
    included_hours: Mapped[Decimal | None] = mapped_column(Quantity)


class QuantityChange(tables.Entity, Model):
    """From a day on, a contract line counts more or less; never changed, only followed by another."""

    __tablename__ = "quantity_change"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contract_line_id: Mapped[UUID] = mapped_column(Uuid)
    effective_date: Mapped[date]
    delta: Mapped[Decimal] = mapped_column(Quantity)
    reason: Mapped[str]
    source: Mapped[str]
    approved_by: Mapped[UUID] = mapped_column(Uuid)


class BilledDevice(tables.Entity, Model):
    """A device in use at a customer, from a day until another: what contracts per device count. Its identifier is the asset's."""

    __tablename__ = "billed_device"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    type_key: Mapped[str]
    since: Mapped[date]
    until: Mapped[date | None]
    told_at: Mapped[datetime] = mapped_column(tables.Moment)


class QuantityVariance(tables.Entity, Model):
    """A source counts another number than the contract bills; it changes no invoice by itself."""

    __tablename__ = "quantity_variance"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contract_id: Mapped[UUID] = mapped_column(Uuid)
    contract_line_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[str]
    source_quantity: Mapped[Decimal] = mapped_column(Quantity)
    billed_quantity: Mapped[Decimal] = mapped_column(Quantity)
    difference: Mapped[Decimal] = mapped_column(Quantity)
    monthly_impact: Mapped[Decimal] = mapped_column(Money)
    status: Mapped[VarianceStatus] = mapped_column(Enum(VarianceStatus, native_enum=False))


class PrepaidBalance(tables.Entity, Model):
    """What was bought at once; what is left of it is the sum of its movements."""

    __tablename__ = "prepaid_balance"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contract_id: Mapped[UUID] = mapped_column(Uuid)
    unit: Mapped[PrepaidUnit] = mapped_column(Enum(PrepaidUnit, native_enum=False))
    bought_on: Mapped[date]
    purchased: Mapped[Decimal] = mapped_column(Quantity)
    expires_on: Mapped[date | None]
    contract_line_id: Mapped[UUID | None] = mapped_column(Uuid)
    period_start: Mapped[date | None]


class PrepaidMovement(tables.Entity, Model):
    """A change of a balance; can only be appended."""

    __tablename__ = "prepaid_movement"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    balance_id: Mapped[UUID] = mapped_column(Uuid)
    on_date: Mapped[date]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    kind: Mapped[MovementKind] = mapped_column(Enum(MovementKind, native_enum=False))
    source_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None]
