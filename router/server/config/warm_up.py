"""Settings: which operations are planned again before a new supergraph is served."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Seconds


class WarmUp(Section):
    """The operations that were used last are ready when another supergraph takes over."""

    share: float = Field(0.3, ge=0, le=1, description="Which share of the operations that are ready now; 0 for none.")
    operations: int | None = Field(None, ge=0, description="How many instead, whatever the share would be.")
    longest: Seconds = Field(10.0, gt=0, description="How long the new supergraph may be kept waiting for it.")
