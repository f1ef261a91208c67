"""Settings: where replicas of the router meet."""

from __future__ import annotations

from pydantic import Field, SecretStr

from router.server.config.section import Section
from router.server.config.units import Seconds


class RedisSettings(Section):
    """Where replicas share counters; without it each counts for itself."""

    url: SecretStr | None = Field(None, description="redis://host:6379/0, or rediss:// with TLS.")
    timeout: Seconds = Field(0.25, gt=0, description="A request waits no longer than this for it.")
    away: Seconds = Field(1.0, gt=0, description="After a failure it's left alone for this long.")
