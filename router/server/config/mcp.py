"""Settings: the endpoint for assistants (Model Context Protocol)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from router.server.config.section import Section
from router.server.config.units import Seconds


class Mcp(Section):
    """The endpoint for assistants: tools from registered operations, and a search over the schema."""

    enabled: bool = Field(default=False, description="Whether it is served.")
    path: str = Field("/mcp", pattern=r"^(/[\w.-]+)+$", description="Where.")
    operations: tuple[Path, ...] | None = Field(
        None,
        description="Documents and manifests whose operations are tools, besides those of `persisted_queries`; those that "
        "came along when absent.",
    )
    search: bool = Field(default=True, description="Whether assistants may search the schema.")
    writes: bool = Field(
        default=True, description="Whether operations that change something are tools; each is tried before it is done."
    )
    confirm_seconds: Seconds = Field(600, ge=1, le=86_400, description="How long a tried write may be confirmed.")
    confirmation_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Signs confirmations; routers beside each other need the same. A new one at each start when absent.",
    )
