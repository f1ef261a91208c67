"""The tables of what we tell: subscriptions, how their receivers are doing, and the deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.integrations.models import Model
from subgraphs.integrations.rules.outcomes import DeliveryKind, DeliveryStatus, DisabledReason
from subgraphs.kit import tables


class WebhookSubscription(tables.Entity, Model):
    """Who wants to be told what, and where."""

    __tablename__ = "webhook_subscription"

    name: Mapped[str]
    url: Mapped[str]
    event_patterns: Mapped[list[str]]
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    denied_customers: Mapped[list[str]]
    """Customers that were hidden from those who had a hand in it; their events are not sent."""
    scopes: Mapped[list[str]]
    """The permissions with which it hears."""
    query: Mapped[str | None]
    client_id: Mapped[str | None]
    """The service account in whose name the query is asked."""
    ordered: Mapped[bool]
    concurrency: Mapped[int]
    retry_seconds: Mapped[list[int]] = mapped_column(JSONB)
    active: Mapped[bool]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(Enum(DisabledReason, native_enum=False))

    shown: ClassVar[str | None] = None
    """The secret itself, on the row that was just made and nowhere else; no column, so it is never written."""


class WebhookState(Model):
    """What changes with every delivery, and the secrets: apart from the subscription, so that nobody's edit collides."""

    __tablename__ = "webhook_state"

    subscription_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None]
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    leased_until: Mapped[datetime | None]
    """Until when one worker sends, and no other."""
    paused_until: Mapped[datetime | None]
    """Until when the receiver asked us to leave it alone."""
    failing_since: Mapped[datetime | None]
    failure_count: Mapped[int]
    last_success_at: Mapped[datetime | None]


class WebhookDelivery(tables.Entity, Model):
    """One event on its way to one receiver, and what became of it; the log of what a machine did, not audited."""

    __tablename__ = "webhook_delivery"

    subscription_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[DeliveryKind] = mapped_column(Enum(DeliveryKind, native_enum=False))
    replay_of: Mapped[UUID | None] = mapped_column(Uuid)
    replayed_at: Mapped[datetime | None]
    event_id: Mapped[UUID] = mapped_column(Uuid)
    event_type: Mapped[str]
    event_at: Mapped[datetime]
    event: Mapped[dict[str, Any]]
    """What is told of the event: see `rules.messages`."""
    status: Mapped[DeliveryStatus] = mapped_column(Enum(DeliveryStatus, native_enum=False))
    attempt: Mapped[int]
    """How often it was tried."""
    next_retry_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    response_code: Mapped[int | None]
    error: Mapped[str | None]
    log: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """One entry for each attempt."""
