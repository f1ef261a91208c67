"""The tables of what leaves us: deliveries with their attempts, and addresses that are written to no more."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.notify.models import Model
from subgraphs.notify.rules.channels import ChannelKind, DeliveryStatus, SuppressionReason
from subgraphs.notify.rules.notices import Category


class Delivery(tables.Entity, Model):
    """One message on its way to one person or channel, and what became of it; written by machines, not audited."""

    __tablename__ = "delivery"

    channel: Mapped[ChannelKind] = mapped_column(Enum(ChannelKind, native_enum=False))
    channel_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The channel that is posted to, or tested; absent for what goes to a person by the channel of its kind."""
    recipient_id: Mapped[UUID | None] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    address: Mapped[str]
    """A mail address, a number, or the name of a channel."""
    language: Mapped[str]
    category: Mapped[Category] = mapped_column(Enum(Category, native_enum=False))
    mandatory: Mapped[bool]
    gather_key: Mapped[str | None]
    """What is told of the same person and thing before it is sent is added to it."""
    related_type: Mapped[str]
    related_id: Mapped[str]
    event_type: Mapped[str]
    subject: Mapped[str]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What is told: one entry for each event."""
    envelope: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Of a mail: to whom else it goes, and where it hangs."""
    message_id: Mapped[str | None]
    status: Mapped[DeliveryStatus] = mapped_column(Enum(DeliveryStatus, native_enum=False))
    attempt: Mapped[int]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    error: Mapped[str | None]
    log: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class SuppressedAddress(tables.Entity, Model):
    """An address that is written to no more."""

    __tablename__ = "suppressed_address"

    address: Mapped[str]
    reason: Mapped[SuppressionReason] = mapped_column(Enum(SuppressionReason, native_enum=False))
    detail: Mapped[str | None]
