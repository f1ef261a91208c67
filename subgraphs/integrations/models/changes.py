"""The table of the feed: what changed, in one order for each tenant."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.integrations.models import Model


class Change(Model):
    """One change of one thing, told thinly; see `service.changes` for what `position` promises."""

    __tablename__ = "change"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    event_type: Mapped[str]
    type: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(Uuid)
    permission: Mapped[str]
    """What one needs to learn of it."""
    deleted: Mapped[bool]
    changed: Mapped[list[str]]
    at: Mapped[datetime]
    """When it happened."""
    recorded_at: Mapped[datetime]
