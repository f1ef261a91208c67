"""Who is asking: the claims that the router puts into the internal token and every service reads.

The router verifies the client's token, and signs a short-lived token of its own for exactly one module
(`aud` = the module's name). A service accepts nothing else: not the client's token, not a token for its neighbour.
"""

from __future__ import annotations

from typing import Final, Literal, TypedDict

INTERNAL_ISSUER = "psa-router"
INTERNAL_TOKEN_TYPE = "psa-internal+jwt"  # noqa: S105 - the `typ` header, not a secret
INTERNAL_TOKEN_SECONDS = 30
"""With the leeway of the clocks a minute: what was revoked at the door is over everywhere."""
CLOCK_LEEWAY_SECONDS = 30
SIGNING_ALGORITHM = "ES256"

CallerKind = Literal["STAFF", "CUSTOMER", "COMANAGED", "SERVICE", "SYSTEM"]

EVERY_CUSTOMER: Final = "*"


class CallerClaims(TypedDict, total=False):
    """The claims about the caller, the same in a client's access token and in the internal token."""

    tid: str
    """The tenant: a UUID."""
    sub: str
    """The user or service account: a UUID."""
    kind: CallerKind
    roles: list[str]
    scope: str
    """Permissions, separated by blanks (RFC 8693 section 4.2): `customers:read tickets:write`."""
    customers: Literal["*"] | list[str]
    """The customers whose rows may be seen: all, or these UUIDs."""
    deny: list[str]
    """Customers that stay hidden although `customers` would allow them."""
    contact: str
    """The contact in customer management that this user is: what "one's own" means for a customer's people."""
    sid: str
    """The session in which the user signed in."""
    key: str
    """The API key that stands for the user: its UUID."""
    act: Actor
    """Who acts in the subject's name, while somebody does."""
    ip: str
    """The client's address, as the router saw it; never read from a client's token."""


class Actor(TypedDict):
    """The one who really acts (RFC 8693 section 4.1)."""

    sub: str
    """A user: a UUID."""
