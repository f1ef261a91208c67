"""Settings: when there is more to do than can be done."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Seconds


class Overload(Section):
    """When there is more to do than can be done: who comes then is refused at once, and may come again."""

    concurrent_requests: int = Field(512, ge=1, description="Requests at work at the same time.")
    connections: int = Field(10_000, ge=1, description="Connections that are open at once.")
    retry_after_seconds: int = Field(1, ge=1, description="When a refused client may come again.")
    header_seconds: Seconds = Field(10.0, gt=0, description="How long a request's headers may take to arrive.")
    stalled_seconds: float = Field(30.0, gt=0, description="How long a client may read nothing of its answer.")
