"""The table of the modules of the platform, as a tenant was told of them last."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Enum
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.integrations.models import Model
from subgraphs.integrations.rules.registry import ServiceStatus


class KnownService(Model):
    """One module, and how it was doing when we looked last."""

    __tablename__ = "known_service"

    module: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    url: Mapped[str]
    status: Mapped[ServiceStatus] = mapped_column(Enum(ServiceStatus, native_enum=False, create_constraint=False))
    heartbeat_at: Mapped[datetime | None]
    since: Mapped[datetime]
    """Since when it has been doing so."""
