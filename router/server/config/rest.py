"""Settings: the REST interface for partners."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from router.server.config.section import Section


class Rest(Section):
    """The REST interface, `/api/v1`."""

    enabled: bool = Field(default=True, description="Whether it is served.")
    folder: Path | None = Field(
        None, description="Where its lock files and OpenAPI documents lie; those that came along when absent."
    )
    bulk_items: int = Field(50, ge=1, le=100, description="Commands in one bulk request.")
    cached_descriptions: int = Field(
        64, ge=1, description="OpenAPI documents that are kept, one for each set of rights."
    )
