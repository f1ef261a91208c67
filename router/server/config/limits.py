"""Settings: what a request may cost before anything is fetched."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section
from router.server.config.units import Bytes

LimitName = Literal[
    "body_bytes",
    "url_bytes",
    "header_bytes",
    "batch",
    "variables_bytes",
    "variables_depth",
    "document_bytes",
    "tokens",
    "recursion",
    "depth",
    "height",
    "aliases",
    "root_fields",
    "directives",
    "introspection_depth",
    "selections",
]


class Limits(Section):
    """What a client's request may cost before anything is fetched."""

    body_bytes: Bytes = Field(2_000_000, ge=1, description="Bytes of a request's body, also when it's unfolded.")
    url_bytes: Bytes = Field(16_384, ge=1, description="Bytes of a request's URL.")
    header_bytes: Bytes = Field(65_536, ge=1, description="Bytes of all headers of a request.")
    variables_bytes: Bytes = Field(1_000_000, ge=1, description="Bytes of an operation's variables, as JSON.")
    variables_depth: int = Field(64, ge=1, le=200, description="Levels of lists and objects in the variables.")
    document_bytes: Bytes = Field(500_000, ge=1, description="Bytes of a document.")
    tokens: int = Field(15_000, ge=1, description="Tokens of a document.")
    recursion: int = Field(200, ge=1, description="Brackets of a document that are open at once.")
    depth: int = Field(50, ge=1, description="Levels of nested fields.")
    height: int = Field(2000, ge=1, description="Different fields in all, those with several aliases counted once.")
    aliases: int = Field(200, ge=0, description="Aliased fields, fragments expanded.")
    root_fields: int = Field(100, ge=1, description="Fields of the root type, fragments expanded.")
    directives: int = Field(200, ge=0, description="Directives at fields and fragments, fragments expanded.")
    introspection_depth: int = Field(
        2, ge=1, description="Lists inside of lists when the schema is asked (fields of types of fields …)."
    )
    selections: int = Field(20_000, ge=1, description="Fields in all, fragments expanded.")
    warn_only: bool | tuple[LimitName, ...] = Field(
        default=False, description="Whether (or which) limits only measure: what exceeds them is counted and logged."
    )
    exempt_registered: tuple[LimitName, ...] = Field(
        (), description="Limits that don't hold for operations of the persisted-query manifests."
    )

    def only_measures(self, name: LimitName) -> bool:
        """Whether a limit refuses nothing."""
        return self.warn_only if isinstance(self.warn_only, bool) else name in self.warn_only
