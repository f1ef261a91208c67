"""Settings: how answers are made smaller on their way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section


class Compression(Section):
    """How answers are made smaller on their way, if the client understands it."""

    enabled: bool = Field(default=True, description="Whether answers are compressed.")
    minimum_bytes: int = Field(1024, ge=0, description="Smaller answers go as they are.")
    encodings: tuple[Literal["zstd", "br", "gzip"], ...] = Field(
        ("zstd", "br", "gzip"), description="What we offer; the first of those that a client likes equally."
    )
