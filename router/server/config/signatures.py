"""Settings: with which keys requests to subgraphs are signed."""

from __future__ import annotations

from pydantic import Field, SecretStr

from router.server.config.section import Section


class SignatureKey(Section):
    """A key that the router and a subgraph share (HTTP message signatures, RFC 9421, hmac-sha256)."""

    key_id: str = Field(
        "router", pattern=r"^[A-Za-z0-9._:-]{1,128}$", description="The name by which both know the key."
    )
    secret: SecretStr = Field(min_length=16, description="The key.")


class Signatures(Section):
    """Which subgraphs get signed requests."""

    all: SignatureKey | None = None
    subgraphs: dict[str, SignatureKey] = Field(default_factory=dict)

    def of(self, service: str) -> SignatureKey | None:
        """Return the key for one subgraph."""
        return self.subgraphs.get(service, self.all)
