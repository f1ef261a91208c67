"""Tables: what every row has, so that no module writes it again.

A module declares one base class of its own and its tables on it:

    class Model(tables.Row, DeclarativeBase): ...

    class Ticket(tables.Entity, Model):
        __tablename__ = "ticket"
        title: Mapped[str]

The walls are not here: they are in the migration (`kit.tenancy.protect`). Keys begin with the tenant, because a key
without it would tell one tenant what another has.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Integer, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from subgraphs.kit.ids import uuid7

Moment = DateTime(timezone=True)


class Row:
    """What every table has: the tenant. `kit.work` fills it in; nobody else may."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Moment, dict[str, Any]: JSONB, list[str]: JSONB}

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class Entity(Row):
    """What everything has that people work with: an identity, a version, and who touched it when.

    `version` counts changes; writing a row that somebody changed in the meantime fails as `Stale`.
    """

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid7)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    updated_by: Mapped[UUID] = mapped_column(Uuid)
    archived_at: Mapped[datetime | None] = mapped_column(Moment)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Let SQLAlchemy check and count the version with each UPDATE."""
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]
