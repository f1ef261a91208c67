"""How the registered modules look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.integrations.rules.registry import Registered, ServiceStatus

READ = "integrations:read"

strawberry.enum(ServiceStatus)


@strawberry.type
class ServiceRegistration:
    """A module of the platform, as it has announced itself to the router."""

    name: str
    """The one word by which it is known."""
    version: str
    """Which release of it runs."""
    url: str
    """Where the router reaches its graph."""
    schema_hash: str | None
    """The SHA-256 of its schema, in hexadecimal digits."""
    heartbeat_at: datetime | None
    """When it announced itself last."""
    status: ServiceStatus
    """How it is doing."""
    healthy: bool
    """Whether it is UP."""
    problems: list[str]
    """Why its newest schema is not served."""

    @classmethod
    def of(cls, found: Registered) -> Self:
        """The module that the registry knows."""
        return cls(
            name=found.name,
            version=found.version,
            url=found.url,
            schema_hash=found.schema_hash,
            heartbeat_at=found.heartbeat_at,
            status=found.status,
            healthy=found.status is ServiceStatus.UP,
            problems=list(found.problems),
        )
