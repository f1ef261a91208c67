"""Settings: tokens of any issuers, for a router that stands alone; the keys are Apollo's (`authentication.router.jwt`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from router.server.config.section import Section
from router.server.config.units import Seconds

Algorithm = Literal[
    "ES256",
    "ES384",
    "ES512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "EdDSA",
    "Ed25519",
    "HS256",
    "HS384",
    "HS512",
]


class KeySetHeader(Section):
    """What whoever has the keys wants to see."""

    name: str = Field(description="The header's name.")
    value: SecretStr = Field(description="Its value.")


class TrustedIssuers(Section):
    """A key set, and what a token that one of its keys signed must say."""

    url: str = Field(min_length=1, description="The key set: https://, http://, file:/// or a path.")
    issuers: tuple[str, ...] | None = Field(None, description="The `iss` that a token may have; any, when absent.")
    audiences: tuple[str, ...] | None = Field(
        None, description="The `aud` of which a token must have one; any, when absent."
    )
    algorithms: tuple[Algorithm, ...] | None = Field(
        None, description="What may have signed it; all that fit the key, when absent."
    )
    poll_interval: Seconds = Field(60.0, gt=0, description="How long the keys are believed before they are read again.")
    headers: tuple[KeySetHeader, ...] = Field((), description="What is sent along when they are read.")
    allow_missing_exp: bool = Field(default=False, description="Whether a token may be good for ever.")


class HeaderSource(Section):
    """A token in a header."""

    type: Literal["header"]
    name: str = Field(min_length=1, description="The header's name.")
    value_prefix: str = Field("Bearer", pattern=r"^\S*$", description="What stands before the token.")


class CookieSource(Section):
    """A token in a cookie."""

    type: Literal["cookie"]
    name: str = Field(min_length=1, description="The cookie's name.")


class Jwt(Section):
    """Whose tokens are accepted, whatever they say of their holder; the platform's own are `authentication`."""

    jwks: tuple[TrustedIssuers, ...] = Field(min_length=1, description="Who may sign tokens.")
    header_name: str = Field("authorization", min_length=1, description="The header in which a token comes.")
    header_value_prefix: str = Field("Bearer", pattern=r"^\S*$", description="What stands before it there.")
    ignore_other_prefixes: bool = Field(
        default=False, description="Whether something else in that header is no token, instead of a bad one."
    )
    sources: tuple[Annotated[HeaderSource | CookieSource, Field(discriminator="type")], ...] = Field(
        (), description="Where a token is looked for when it isn't in that header."
    )
    on_error: Literal["Error", "Continue"] = Field(
        "Error", description="Whether somebody with a bad token is refused, or is nobody."
    )
    leeway_seconds: int = Field(30, ge=0, le=300, description="How far clocks may differ.")
