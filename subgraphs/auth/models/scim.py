"""The tables of provisioning from outside."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model


class ScimToken(Model):
    """What lets a directory look after the users of a tenant."""

    __tablename__ = "scim_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class ScimResource(Model):
    """That a user or a team is looked after by a directory, and how it calls them."""

    __tablename__ = "scim_resource"

    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    external_id: Mapped[str | None]
