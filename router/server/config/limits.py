"""Settings: what a request may cost before anything is fetched."""

from __future__ import annotations

from pydantic import Field

from router.server.config.section import Section


class Limits(Section):
    """What a client's request may cost before anything is fetched."""

    body_bytes: int = Field(2_000_000, ge=1, description="Bytes of a request's body.")
    tokens: int = Field(15_000, ge=1, description="Tokens of a document.")
    depth: int = Field(50, ge=1, description="Levels of nested fields.")
    aliases: int = Field(200, ge=0, description="Aliased fields, fragments expanded.")
    root_fields: int = Field(100, ge=1, description="Fields of the root type, fragments expanded.")
    selections: int = Field(20_000, ge=1, description="Fields in all, fragments expanded.")
