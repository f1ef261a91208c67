"""The tables of what suppliers send."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.billing.models.catalogue import Model, Money
from subgraphs.billing.rules.inbound import InboundFormat, InboundStatus
from subgraphs.kit import tables


class InboundInvoice(tables.Entity, Model):
    """An invoice that a supplier sent, and what was found about it."""

    __tablename__ = "inbound_invoice"

    format: Mapped[InboundFormat] = mapped_column(Enum(InboundFormat, native_enum=False))
    status: Mapped[InboundStatus] = mapped_column(Enum(InboundStatus, native_enum=False))
    received_at: Mapped[datetime] = mapped_column(tables.Moment)
    file_name: Mapped[str | None]
    sha256: Mapped[str]
    xml_sha256: Mapped[str]
    number: Mapped[str | None]
    type_code: Mapped[str | None]
    profile: Mapped[str | None]
    issue_date: Mapped[date | None]
    due_date: Mapped[date | None]
    currency: Mapped[str | None]
    supplier: Mapped[str | None]
    supplier_vat_id: Mapped[str | None]
    supplier_tax_number: Mapped[str | None]
    buyer: Mapped[str | None]
    buyer_vat_id: Mapped[str | None]
    iban: Mapped[str | None]
    net: Mapped[Decimal | None] = mapped_column(Money)
    tax: Mapped[Decimal | None] = mapped_column(Money)
    gross: Mapped[Decimal | None] = mapped_column(Money)
    payable: Mapped[Decimal | None] = mapped_column(Money)
    valid: Mapped[bool]
    findings: Mapped[list[Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]


class InboundFile(Model):
    """What came, byte for byte: it can neither be changed nor deleted."""

    __tablename__ = "inbound_file"

    inbound_invoice_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    xml: Mapped[bytes] = mapped_column(LargeBinary)
