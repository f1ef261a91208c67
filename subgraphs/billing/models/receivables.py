"""The tables of what comes in, what is asked for late, and what bookkeeping gets."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, FetchedValue, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.billing.models.catalogue import Model, Money
from subgraphs.billing.rules.bank import BankEntryStatus
from subgraphs.billing.rules.payments import PaymentMethod
from subgraphs.kit import tables


class Payment(tables.Entity, Model):
    """Money that came in; it can't be deleted, only reversed."""

    __tablename__ = "payment"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    amount: Mapped[Decimal] = mapped_column(Money)
    unallocated: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str]
    value_date: Mapped[date]
    method: Mapped[PaymentMethod] = mapped_column(Enum(PaymentMethod, native_enum=False))
    bank_reference: Mapped[str | None]
    reversed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    reversal_reason: Mapped[str | None]


class BankStatement(tables.Entity, Model):
    """A file of the bank that was read."""

    __tablename__ = "bank_statement"

    matched: Mapped[int]
    unmatched: Mapped[int]
    known: Mapped[int]


class BankEntry(tables.Entity, Model):
    """Money that the bank told of: each once, whichever file said so."""

    __tablename__ = "bank_entry"

    statement_id: Mapped[UUID] = mapped_column(Uuid)
    key: Mapped[str]
    iban: Mapped[str | None]
    amount: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str]
    value_date: Mapped[date]
    debtor: Mapped[str | None]
    remittance: Mapped[str]
    status: Mapped[BankEntryStatus] = mapped_column(Enum(BankEntryStatus, native_enum=False))
    reason: Mapped[str | None]
    payment_id: Mapped[UUID | None] = mapped_column(Uuid)


class Allocation(tables.Entity, Model):
    """So much of a payment or of a credit note pays so much of a document; released, it no longer counts."""

    __tablename__ = "allocation"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    payment_id: Mapped[UUID | None] = mapped_column(Uuid)
    credit_note_id: Mapped[UUID | None] = mapped_column(Uuid)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    amount: Mapped[Decimal] = mapped_column(Money)
    skonto_amount: Mapped[Decimal] = mapped_column(Money)
    value_date: Mapped[date]
    released_at: Mapped[datetime | None] = mapped_column(tables.Moment)


class DunningPolicy(tables.Entity, Model):
    """When and how late customers are asked; a tenant has one."""

    __tablename__ = "dunning_policy"

    min_amount: Mapped[Decimal] = mapped_column(Money)
    days_between: Mapped[int]
    require_fresh_payments: Mapped[bool]
    levels: Mapped[list[Any]] = mapped_column(JSONB)
    rest_days: Mapped[bool] = mapped_column(default=False)


class DunningRun(tables.Entity, Model):
    """One round of asking."""

    __tablename__ = "dunning_run"

    on_date: Mapped[date]
    notices: Mapped[int]
    total_open: Mapped[Decimal] = mapped_column(Money)
    skipped: Mapped[list[Any]] = mapped_column(JSONB)


class DunningNotice(tables.Entity, Model):
    """One letter to one customer about everything that is late."""

    __tablename__ = "dunning_notice"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    run_id: Mapped[UUID] = mapped_column(Uuid)
    level: Mapped[int]
    on_date: Mapped[date]
    claims: Mapped[list[Any]] = mapped_column(JSONB)
    open_amount: Mapped[Decimal] = mapped_column(Money)
    fee: Mapped[Decimal] = mapped_column(Money)
    flat_fee: Mapped[Decimal] = mapped_column(Money)
    interest: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str]
    legal_entity_id: Mapped[UUID | None] = mapped_column(Uuid)
    paper: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What its page says besides the claims; nothing for letters from before there were pages."""
    file_secret: Mapped[str] = mapped_column(server_default=FetchedValue())
    """What signs links to its page."""
    sent_at: Mapped[datetime | None] = mapped_column(tables.Moment)


class DunningFile(Model):
    """The page of a letter, as it was set."""

    __tablename__ = "dunning_file"

    notice_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(tables.Moment)


class ExportBatch(tables.Entity, Model):
    """A file for bookkeeping."""

    __tablename__ = "export_batch"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid)
    period_start: Mapped[date]
    period_end: Mapped[date]
    file_name: Mapped[str]
    sha256: Mapped[str]
    rows: Mapped[int]
    debit: Mapped[Decimal] = mapped_column(Money)
    credit: Mapped[Decimal] = mapped_column(Money)
    invoice_ids: Mapped[list[str]] = mapped_column(JSONB)
    duplicate: Mapped[bool]


class ExportFile(Model):
    """The file of a batch, apart from it: records of changes need not repeat it."""

    __tablename__ = "export_file"

    batch_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
