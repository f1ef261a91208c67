"""The tables of sales: the pipeline, opportunities, and quotes revision after revision, with what stands on their paper."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, FetchedValue, LargeBinary, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.crm.models.customers import Model
from subgraphs.crm.rules.quotes import QuoteStatus, StageOutcome
from subgraphs.kit import tables


class PipelineStage(tables.Entity, Model):
    """A stage of the pipeline."""

    __tablename__ = "pipeline_stage"

    name: Mapped[str]
    position: Mapped[int]
    probability: Mapped[int]
    outcome: Mapped[StageOutcome] = mapped_column(Enum(StageOutcome, native_enum=False))


class Opportunity(tables.Entity, Model):
    """Something that a customer might buy."""

    __tablename__ = "opportunity"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    title: Mapped[str]
    stage_id: Mapped[UUID] = mapped_column(Uuid)
    outcome: Mapped[StageOutcome] = mapped_column(Enum(StageOutcome, native_enum=False))
    probability: Mapped[int]
    expected_close: Mapped[date | None]
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    mrr_amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    currency: Mapped[str]
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)
    lost_reason: Mapped[str | None]
    closed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Quote(tables.Entity, Model):
    """One revision of a quote; its lines are part of the document, and live and die with it."""

    __tablename__ = "quote"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[str]
    revision: Mapped[int]
    opportunity_id: Mapped[UUID | None] = mapped_column(Uuid)
    title: Mapped[str]
    status: Mapped[QuoteStatus] = mapped_column(Enum(QuoteStatus, native_enum=False))
    valid_until: Mapped[date]
    currency: Mapped[str]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    terms_text: Mapped[str | None]
    token_hash: Mapped[str | None]
    accepted_by: Mapped[str | None]
    accepted_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    accepted_ip: Mapped[str | None]
    accepted_hash: Mapped[str | None]
    rejected_reason: Mapped[str | None]
    rejected_by: Mapped[str | None]
    rejected_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    rejected_ip: Mapped[str | None]
    sent_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    viewed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    legal_entity_id: Mapped[UUID | None] = mapped_column(Uuid)
    pdf_sha256: Mapped[str | None]
    pdf_size_bytes: Mapped[int | None]
    accepted_pdf_hash: Mapped[str | None]
    """The hash of the paper that was sent, and that was accepted."""
    order_pdf_sha256: Mapped[str | None]
    """The hash and size of the paper of what was chosen."""
    order_pdf_size_bytes: Mapped[int | None]
    file_secret: Mapped[str] = mapped_column(server_default=FetchedValue())
    """What signs links to its file; PostgreSQL makes it."""

    token = None
    """The secret of the acceptance link, known only in the moment in which it is made."""


class QuoteFile(Model):
    """The papers of a quote, byte for byte: as it was sent, and what was chosen of it."""

    __tablename__ = "quote_file"

    quote_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    order_content: Mapped[bytes | None] = mapped_column(LargeBinary)


class SellerCopy(Model):
    """A company that sells, as billing told of it: what stands on a quote."""

    __tablename__ = "seller_copy"

    legal_entity_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(tables.Moment)
