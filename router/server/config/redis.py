"""Settings: the Redis that routers share."""

from __future__ import annotations

from pydantic import Field, SecretStr

from router.server.config.section import Section
from router.server.config.units import Seconds


class RedisSettings(Section):
    """The Redis that routers share; each goes on alone without it, or while it's away."""

    url: SecretStr | None = Field(None, description="redis://host:6379/0; PSA_REDIS_URL where it's not said here.")
    timeout_seconds: Seconds = Field(0.5, gt=0, description="How long an answer is waited for.")
    retry_seconds: Seconds = Field(5.0, ge=0, description="How long we go on alone after a failure.")
