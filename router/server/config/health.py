"""Settings: where load balancers ask."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section


class Health(Section):
    """Where load balancers ask, besides /health, /health/live, /health/ready and /readiness."""

    path: str = Field("/health", pattern="^/", description="A path more for the same question.")
