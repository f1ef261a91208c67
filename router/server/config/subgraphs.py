"""Settings: how the router talks to subgraphs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from router.server.config.section import Section


class Subgraphs(Section):
    """How the router talks to subgraphs."""

    timeout_seconds: float = Field(15.0, gt=0, description="How long one fetch may take.")
    answer_bytes: int = Field(32_000_000, ge=1, description="Bytes of one answer of a subgraph.")
    representations: int = Field(1000, ge=1, description="Entities in one request; more are sent in several.")
    fetches: int = Field(1000, ge=1, description="Requests to subgraphs for one operation.")
    operation_bytes: int = Field(256_000_000, ge=1, description="Bytes of all answers to one operation together.")
    connections: int = Field(200, ge=1, description="Connections that are open at once.")
    ca_file: Path | None = Field(
        None, description="Who signs the subgraphs' certificates (PEM); those whom the system trusts when absent."
    )
    forwarded_headers: tuple[str, ...] = Field(
        ("idempotency-key",), description="The client's headers that subgraphs get as they are."
    )
    urls: dict[str, str] = Field(default_factory=dict, description="Addresses that replace those of the supergraph.")
