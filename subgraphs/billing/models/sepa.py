"""The tables of direct debits: what customers signed, files for the bank, and what is taken with each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.billing.models.catalogue import Model, Money
from subgraphs.billing.rules.sepa import BatchStatus, MandateStatus, MandateType, SequenceType
from subgraphs.kit import tables


class SepaMandate(tables.Entity, Model):
    """What a customer signed: that we may take what they owe from their account."""

    __tablename__ = "sepa_mandate"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    reference: Mapped[str]
    type: Mapped[MandateType] = mapped_column(Enum(MandateType, native_enum=False))
    status: Mapped[MandateStatus] = mapped_column(Enum(MandateStatus, native_enum=False))
    holder: Mapped[str]
    iban: Mapped[str]
    bic: Mapped[str | None]
    signed_on: Mapped[date]
    prenotification_days: Mapped[int]
    last_used_on: Mapped[date | None]
    revoked_on: Mapped[date | None]


class SepaBatch(tables.Entity, Model):
    """A file of direct debits for the bank."""

    __tablename__ = "sepa_batch"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid)
    type: Mapped[MandateType] = mapped_column(Enum(MandateType, native_enum=False))
    status: Mapped[BatchStatus] = mapped_column(Enum(BatchStatus, native_enum=False))
    collection_date: Mapped[date]
    file_name: Mapped[str]
    sha256: Mapped[str]
    debits: Mapped[int]
    total: Mapped[Decimal] = mapped_column(Money)


class SepaFile(Model):
    """The file of a batch, apart from it: records of changes need not repeat it."""

    __tablename__ = "sepa_file"

    batch_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class SepaDebit(tables.Entity, Model):
    """So much is taken for a document; pending until its batch is booked or cancelled."""

    __tablename__ = "sepa_debit"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    batch_id: Mapped[UUID] = mapped_column(Uuid)
    mandate_id: Mapped[UUID] = mapped_column(Uuid)
    invoice_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str]
    sequence: Mapped[SequenceType] = mapped_column(Enum(SequenceType, native_enum=False))
    amount: Mapped[Decimal] = mapped_column(Money)
    pending: Mapped[bool]
    payment_id: Mapped[UUID | None] = mapped_column(Uuid)
