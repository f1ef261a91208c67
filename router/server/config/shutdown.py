"""Settings: how the router ends."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Seconds


class Shutdown(Section):
    """How the router ends: first it's no longer ready, then no longer there."""

    delay_seconds: Seconds = Field(
        0.0, ge=0, description="How long it still answers everybody after it said that it's not ready."
    )
    deadline_seconds: Seconds = Field(9.0, ge=0, description="How long requests at work may take to finish then.")
