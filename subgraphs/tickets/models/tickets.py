"""The tables of tickets and of what is said about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.rules.priorities import TicketLevel
from subgraphs.tickets.rules.tickets import (
    MessageChannel,
    TicketMessageKind,
    TicketPriority,
    TicketSource,
    TicketStatus,
    TicketType,
)


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
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    requester_email: Mapped[str | None]
    assignee_id: Mapped[UUID | None] = mapped_column(Uuid)
    team_id: Mapped[UUID | None] = mapped_column(Uuid)
    queue_id: Mapped[UUID | None] = mapped_column(Uuid)
    category_id: Mapped[UUID | None] = mapped_column(Uuid)
    sub_status_id: Mapped[UUID | None] = mapped_column(Uuid)
    template_id: Mapped[UUID | None] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    merged_into_id: Mapped[UUID | None] = mapped_column(Uuid)
    impact: Mapped[TicketLevel | None] = mapped_column(Enum(TicketLevel, native_enum=False))
    urgency: Mapped[TicketLevel | None] = mapped_column(Enum(TicketLevel, native_enum=False))
    tags: Mapped[list[str]] = mapped_column(default=list)
    vendor_reference: Mapped[str | None]
    due_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    due_at_manual: Mapped[bool] = mapped_column(default=False)
    """Whether a person said when it is due; then no clock moves it."""
    scheduled_for: Mapped[datetime | None] = mapped_column(tables.Moment)
    sla_policy_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The policy that somebody chose for this ticket; None lets contract, customer, queue and tenant decide."""
    sla_started_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    response_started_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    """Earlier than `sla_started_at` when an older ticket was merged into this one before anybody answered."""
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
    body_html: Mapped[str | None]
    """What a mail looked like, with everything taken out that could act."""
    channel: Mapped[MessageChannel] = mapped_column(Enum(MessageChannel, native_enum=False))
    email_message_id: Mapped[str | None]
    in_reply_to: Mapped[str | None]
    author_email: Mapped[str | None]
    ai_generated: Mapped[bool] = mapped_column(default=False)
