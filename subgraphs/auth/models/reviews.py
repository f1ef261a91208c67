"""The tables of what matters for security, and of reviews of who may what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.auth.rules.reviews import ReviewDecision, SecurityEventCategory
from subgraphs.kit import tables


class SecurityEvent(tables.Entity, Model):
    """What a module told of its audit, under the id that the entry has there."""

    __tablename__ = "security_event"

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    at: Mapped[datetime]
    module: Mapped[str]
    category: Mapped[SecurityEventCategory] = mapped_column(Enum(SecurityEventCategory, native_enum=False))
    action: Mapped[str]
    outcome: Mapped[str]
    actor_id: Mapped[UUID] = mapped_column(Uuid)
    impersonator_id: Mapped[UUID | None] = mapped_column(Uuid)
    resource: Mapped[str | None]
    resource_id: Mapped[UUID | None] = mapped_column(Uuid)
    address: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AccessReview(tables.Entity, Model):
    """That somebody looks at who has which roles, and whether they still need them."""

    __tablename__ = "access_review"

    name: Mapped[str]
    role_keys: Mapped[list[str]] = mapped_column(JSONB)
    due_on: Mapped[date]
    closed_at: Mapped[datetime | None]


class AccessReviewItem(tables.Entity, Model):
    """A role that a user had when the review began."""

    __tablename__ = "access_review_item"

    review_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    role_key: Mapped[str]
    decision: Mapped[ReviewDecision] = mapped_column(Enum(ReviewDecision, native_enum=False))
    reason: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(Uuid)
