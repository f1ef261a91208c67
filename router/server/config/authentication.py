"""Settings: whose tokens are accepted."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from router.server.config.section import Section


class Authentication(Section):
    """Whose tokens are accepted; without this section nobody needs one."""

    issuer: str = Field(description="The `iss` that a token must have.")
    audience: str = Field(description="The `aud` that a token must have.")
    jwks: str = Field(description="The issuer's public keys: a file or a URL (`inprocess://auth/…` works too).")
    leeway_seconds: int = Field(30, ge=0, le=300, description="How far clocks may differ.")
    refetch_seconds: float = Field(30.0, ge=0, description="An unknown key id makes us read the keys again this often.")
    signing_key_file: Path | None = Field(
        None, description="The ES256 key for internal tokens (JWK or PEM); made at start when absent."
    )
    revocations: str | None = Field(
        None, description="Where it is told what was taken back; where the module auth registered, when absent."
    )
    api_keys: str | None = Field(
        None, description="Where it is told whom an API key stands for; where the module auth registered, when absent."
    )
