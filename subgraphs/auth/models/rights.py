"""The tables of what may be done: roles of a tenant's own, who belongs to whom among customers, and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.kit import tables


class Role(tables.Entity, Model):
    """A role that a tenant made for itself; the system's roles are data in `contracts.scopes`, and no rows."""

    __tablename__ = "role"

    key: Mapped[str]
    name: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(JSONB)
    denied: Mapped[list[str]] = mapped_column(JSONB)


class CustomerParent(Model):
    """To whom a customer belongs, as its events tell."""

    __tablename__ = "customer_parent"

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(tables.Moment)


class ApiKey(tables.Entity, Model):
    """A key that stands for its owner, for some of what they may do."""

    __tablename__ = "api_key"

    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[str]
    owner_id: Mapped[UUID] = mapped_column(Uuid)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    customer_ids: Mapped[list[str]] = mapped_column(JSONB)
    """The customers to which it is limited; none means: as its owner is."""
    ip_allow_list: Mapped[list[str]] = mapped_column(JSONB)
    """The networks from which it opens; none means: from everywhere."""
    rate_limit: Mapped[int | None]
    expires_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(tables.Moment)

    shown: ClassVar[str | None] = None
    """The key itself, on the row that was just made and nowhere else; no column, so it is never written."""
