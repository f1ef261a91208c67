"""The tables of what is billed: items, runs, documents with their lines, and their number ranges."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, FetchedValue, LargeBinary, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.billing.models.catalogue import Model, Money, Percent, Quantity, UnitPrice
from subgraphs.billing.rules.coverage import CoverageEffect
from subgraphs.billing.rules.invoices import DeliveryStatus, InvoiceKind, InvoiceStatus, PaymentStatus
from subgraphs.billing.rules.items import BillableSource, BillableStatus, BillingRunStatus
from subgraphs.billing.rules.vat import TaxCategory
from subgraphs.kit import tables


class BillableItem(tables.Entity, Model):
    """Something that can be billed, or was covered; `part` tells several of one source apart."""

    __tablename__ = "billable_item"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    source: Mapped[BillableSource] = mapped_column(Enum(BillableSource, native_enum=False))
    source_id: Mapped[UUID | None] = mapped_column(Uuid)
    part: Mapped[int]
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    project_id: Mapped[UUID | None] = mapped_column(Uuid)
    ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    product_id: Mapped[UUID | None] = mapped_column(Uuid)
    period_start: Mapped[date | None]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_code: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(UnitPrice)
    discount_percent: Mapped[Decimal] = mapped_column(Percent)
    notional_value: Mapped[Decimal] = mapped_column(Money)
    cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    tax_code: Mapped[str]
    supplied_in: Mapped[str | None]
    service_from: Mapped[date]
    service_to: Mapped[date | None]
    status: Mapped[BillableStatus] = mapped_column(Enum(BillableStatus, native_enum=False))
    hold_reason: Mapped[str | None]
    effect: Mapped[CoverageEffect | None] = mapped_column(Enum(CoverageEffect, native_enum=False))
    rule_id: Mapped[UUID | None] = mapped_column(Uuid)
    explanation: Mapped[list[str]] = mapped_column(JSONB)
    minutes: Mapped[int | None]
    invoice_id: Mapped[UUID | None] = mapped_column(Uuid)


class BillingRun(tables.Entity, Model):
    """Drafts for all customers at once."""

    __tablename__ = "billing_run"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid)
    until: Mapped[date]
    customer_ids: Mapped[list[str]] = mapped_column(JSONB)
    status: Mapped[BillingRunStatus] = mapped_column(Enum(BillingRunStatus, native_enum=False))
    drafts: Mapped[int]
    lines: Mapped[int]
    total_net: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str]
    warnings: Mapped[list[str]] = mapped_column(JSONB)
    approved_by: Mapped[UUID | None] = mapped_column(Uuid)


class Invoice(tables.Entity, Model):
    """A document: draft, issued, cancelled. What it says can't be changed once it is issued; triggers see to it."""

    __tablename__ = "invoice"

    number: Mapped[str | None]
    kind: Mapped[InvoiceKind] = mapped_column(Enum(InvoiceKind, native_enum=False))
    document_status: Mapped[InvoiceStatus] = mapped_column(Enum(InvoiceStatus, native_enum=False))
    payment_status: Mapped[PaymentStatus] = mapped_column(Enum(PaymentStatus, native_enum=False))
    delivery_status: Mapped[DeliveryStatus] = mapped_column(Enum(DeliveryStatus, native_enum=False))
    legal_entity_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    billing_run_id: Mapped[UUID | None] = mapped_column(Uuid)
    currency: Mapped[str]
    issue_date: Mapped[date | None]
    tax_point_date: Mapped[date | None]
    service_from: Mapped[date | None]
    service_to: Mapped[date | None]
    due_date: Mapped[date | None]
    in_time_until: Mapped[date | None]
    """The last day on which a payment is in time, where it is due on a day of rest and the tenant goes by § 193 BGB."""
    payment_days: Mapped[int]
    skonto: Mapped[list[Any]] = mapped_column(JSONB)
    discount_percent: Mapped[Decimal] = mapped_column(Percent)
    lines_net: Mapped[Decimal] = mapped_column(Money)
    allowance: Mapped[Decimal] = mapped_column(Money)
    total_net: Mapped[Decimal] = mapped_column(Money)
    total_tax: Mapped[Decimal] = mapped_column(Money)
    total_gross: Mapped[Decimal] = mapped_column(Money)
    tax_breakdown: Mapped[list[Any]] = mapped_column(JSONB)
    exchange_rate: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    exchange_rate_date: Mapped[date | None]
    tax_in_base_currency: Mapped[Decimal | None] = mapped_column(Money)
    buyer_reference: Mapped[str | None]
    order_reference: Mapped[str | None]
    payment_terms: Mapped[str | None]
    notes: Mapped[str | None]
    preceding_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None]
    seller_snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    buyer_snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    approved_by: Mapped[UUID | None] = mapped_column(Uuid)
    approved_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    issued_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    number_range_id: Mapped[UUID | None] = mapped_column(Uuid)
    range_place: Mapped[int | None]
    content_hash: Mapped[str | None]
    prev_hash: Mapped[str | None]
    file_secret: Mapped[str] = mapped_column(server_default=FetchedValue())
    """What signs links to its files."""
    # What may change after it was issued:
    paid_amount: Mapped[Decimal] = mapped_column(Money)
    written_off: Mapped[Decimal] = mapped_column(Money)
    open_amount: Mapped[Decimal] = mapped_column(Money)
    cancelled_by_id: Mapped[UUID | None] = mapped_column(Uuid)
    sent_to: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    dunning_level: Mapped[int | None]
    last_notice_on: Mapped[date | None]
    dunning_blocked_until: Mapped[date | None]
    flat_fee_charged: Mapped[bool]
    disputed: Mapped[bool]


class InvoiceFile(Model):
    """The files of an issued document, apart from it: records of changes need not repeat them."""

    __tablename__ = "invoice_file"

    invoice_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    format: Mapped[str]
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    pdf_sha256: Mapped[str]
    xml: Mapped[bytes | None] = mapped_column(LargeBinary)
    xml_sha256: Mapped[str | None]
    findings: Mapped[list[Any]] = mapped_column(JSONB)
    archived_at: Mapped[datetime] = mapped_column(tables.Moment)


class InvoiceLine(tables.Entity, Model):
    """A line of a document."""

    __tablename__ = "invoice_line"

    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    position: Mapped[int]
    product_id: Mapped[UUID | None] = mapped_column(Uuid)
    sku: Mapped[str | None]
    description: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_code: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(UnitPrice)
    discount_percent: Mapped[Decimal] = mapped_column(Percent)
    net_amount: Mapped[Decimal] = mapped_column(Money)
    tax_code: Mapped[str]
    tax_category: Mapped[TaxCategory] = mapped_column(Enum(TaxCategory, native_enum=False))
    tax_rate: Mapped[Decimal] = mapped_column(Percent)
    exemption_code: Mapped[str | None]
    exemption_text: Mapped[str | None]
    revenue_account: Mapped[str | None]
    service_from: Mapped[date | None]
    service_to: Mapped[date | None]
    billable_item_ids: Mapped[list[str]] = mapped_column(JSONB)
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    project_id: Mapped[UUID | None] = mapped_column(Uuid)
    cost_center: Mapped[str | None]
    credits_line_id: Mapped[UUID | None] = mapped_column(Uuid)
    """On a credit note: the line of which a part is given back."""
    deducts_invoice_id: Mapped[UUID | None] = mapped_column(Uuid)
    """On a final invoice: the partial invoice that this line takes off."""


class NumberRange(tables.Entity, Model):
    """A series of numbers; whoever issues holds its row until the document is committed."""

    __tablename__ = "number_range"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid)
    prefix: Mapped[str]
    year: Mapped[int]
    next: Mapped[int]
    padding: Mapped[int]
    last_issue_date: Mapped[date | None]
    last_hash: Mapped[str]
