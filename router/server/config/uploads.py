"""Settings: files that come along with an operation."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Bytes


class Uploads(Section):
    """Files beside an operation, as the multipart request specification has it."""

    enabled: bool = Field(default=True, description="Whether files are accepted.")
    max_file_size: Bytes = Field(5_000_000, ge=1, description="Bytes of one file.")
    max_files: int = Field(4, ge=1, description="Files of one request.")
