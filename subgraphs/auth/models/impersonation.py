"""The table of who acts in whose name."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.kit import tables


class Impersonation(tables.Entity, Model):
    """That somebody acts in a user's name for a while."""

    __tablename__ = "impersonation"

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The customer for whom the user works."""
    user_id: Mapped[UUID] = mapped_column(Uuid)
    impersonator_id: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    shown: ClassVar[str | None] = None
    """The access token, on the row that was just made and nowhere else; no column, so it is never written."""
