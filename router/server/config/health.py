"""Settings: where load balancers and Prometheus ask."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section

_ADDRESS = r"^[^\s]*:\d{1,5}$"


class Health(Section):
    """Where load balancers ask, besides /health, /health/live, /health/ready and /readiness."""

    enabled: bool = Field(default=True, description="Whether they are answered.")
    path: str = Field("/health", pattern="^/", description="A path more for the same question.")
    listen: str | None = Field(
        None, pattern=_ADDRESS, description="An address more, for these paths only: 0.0.0.0:8088."
    )


class MetricsSettings(Section):
    """Where Prometheus asks, besides /metrics."""

    enabled: bool = Field(default=True, description="Whether it's answered.")
    path: str = Field("/metrics", pattern="^/", description="A path more for the same figures.")
    listen: str | None = Field(
        None, pattern=_ADDRESS, description="An address of their own: 0.0.0.0:9090. They are only there then."
    )
