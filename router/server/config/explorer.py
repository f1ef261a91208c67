"""Settings: the developers' page."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section


class Explorer(Section):
    """The developers' page at `/`."""

    enabled: bool = Field(default=True, description="Whether it's served.")
