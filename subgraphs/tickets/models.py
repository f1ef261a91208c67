"""The tables of the service desk."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.rules import TicketMessageKind, TicketPriority, TicketSource, TicketStatus, TicketType


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""


class Ticket(tables.Entity, Model):
    """One piece of work for a customer."""

    __tablename__ = "ticket"

    number: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    type: Mapped[TicketType] = mapped_column(Enum(TicketType, native_enum=False))
    status: Mapped[TicketStatus] = mapped_column(Enum(TicketStatus, native_enum=False))
    priority: Mapped[TicketPriority] = mapped_column(Enum(TicketPriority, native_enum=False))
    source: Mapped[TicketSource] = mapped_column(Enum(TicketSource, native_enum=False))
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    asset_id: Mapped[UUID | None] = mapped_column(Uuid)
    assignee_id: Mapped[UUID | None] = mapped_column(Uuid)
    vendor_reference: Mapped[str | None]
    due_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    first_response_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    resolution: Mapped[str | None]
    resolution_code: Mapped[str | None]
    resolved_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    closed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    reopen_count: Mapped[int] = mapped_column(default=0)


class TicketMessage(tables.Entity, Model):
    """Something that was said about a ticket; `customer_id` is the ticket's, so that the same wall holds."""

    __tablename__ = "ticket_message"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[TicketMessageKind] = mapped_column(Enum(TicketMessageKind, native_enum=False))
    author_id: Mapped[UUID] = mapped_column(Uuid)
    body_text: Mapped[str]
