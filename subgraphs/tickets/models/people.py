"""What the desk must know of users: that they are there, and on which side of the counter they stand."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model


class UserCopy(Model):
    """A user, as identity told of them."""

    __tablename__ = "user_copy"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    works_for: Mapped[UUID | None] = mapped_column(Uuid)
    """The customer for whom they work; absent for staff."""
    kind: Mapped[str]
    status: Mapped[str]
    at: Mapped[datetime] = mapped_column(tables.Moment)
    sees: Mapped[list[str]] = mapped_column(server_default="[]")
    """The customers that were named for them; of a customer's technician, those for whom they work, too."""
    sees_at: Mapped[datetime | None] = mapped_column(tables.Moment)

    def is_of(self, customer: UUID | None) -> bool:
        """Whether they may have to do with this customer: staff with each, others with their own."""
        return self.works_for in {None, customer} or str(customer) in self.sees
