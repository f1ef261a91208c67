"""Settings: several operations in one request."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section


class Batching(Section):
    """Several operations in one request: a JSON list, answered by a list in the same order."""

    enabled: bool = Field(default=False, description="Whether lists are answered.")
    mode: Literal["batch_http_link"] = Field("batch_http_link", description="How they are sent.")
    maximum_size: int = Field(20, ge=1, description="How many operations one list may have.")
