"""Taking a token back (RFC 7009), and asking whether it still holds (RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from subgraphs.auth.models.oauth import RefreshToken
from subgraphs.auth.oauth.server import METHODS, Client, Server, wait
from subgraphs.auth.service import revocations, tokens


@dataclass(frozen=True, slots=True)
class Issued:
    """Something that we issued, as Authlib sees it: an access token's claims, or a refresh token's row."""

    claims: dict[str, Any] | None = None
    row: RefreshToken | None = None
    good: bool = True

    def check_client(self, client: Client) -> bool:
        """Whether it was issued to this client."""
        holder = self.row.client_id if self.row else (self.claims or {}).get("client_id")
        return bool(holder == client.get_client_id())

    def is_expired(self) -> bool:
        """Whether it holds no more."""
        return not self.good

    def is_revoked(self) -> bool:
        """See above."""
        return not self.good


async def _found(server: Server, token: str, *, even_expired: bool) -> Issued | None:
    work = server.work
    if token.count(".") == 2:
        read = tokens.verified(work, token, "at+jwt") if even_expired else tokens.read_access_token(work, token)
        claims = await read
        return Issued(claims=claims) if claims and claims.get("tid") == str(work.caller.tenant) else None
    row = await tokens.find_refresh_token(work, token)
    return Issued(row=row, good=await tokens.is_good(work, row)) if row else None


class Revocation(RevocationEndpoint):
    """A client gives back what it was given: one access token, or all that came of a grant."""

    CLIENT_AUTH_METHODS: ClassVar[list[str]] = METHODS

    server: Server

    def query_token(self, token_string: str, token_type_hint: str | None) -> Issued | None:
        """The token, whatever the hint says it is."""
        del token_type_hint
        return wait(_found(self.server, token_string, even_expired=True))

    def revoke_token(self, token: Issued, request: OAuth2Request) -> None:
        """Take it back."""
        del request
        work = self.server.work
        if token.row is not None:
            wait(revocations.grant(work, token.row.grant_id))
        elif token.claims is not None:
            wait(revocations.revoke(work, "TOKEN", UUID(token.claims["jti"])))


class Introspection(IntrospectionEndpoint):
    """A client asks about what it was given; our own services ask about everything."""

    CLIENT_AUTH_METHODS: ClassVar[list[str]] = METHODS[:-1]

    server: Server

    def check_permission(self, token: Issued, client: Client, request: OAuth2Request) -> bool:
        """Whether this client may know."""
        del request
        return client.row.first_party or token.check_client(client)

    def query_token(self, token_string: str, token_type_hint: str | None) -> Issued | None:
        """The token, if it still holds."""
        del token_type_hint
        return wait(_found(self.server, token_string, even_expired=False))

    def introspect_token(self, token: Issued) -> dict[str, Any]:
        """What it says."""
        if token.claims is not None:
            return {"active": True, "token_type": "Bearer", **token.claims}
        row = token.row
        assert row is not None  # noqa: S101 - it is one or the other
        return {
            "active": True,
            "token_type": "refresh_token",
            "client_id": row.client_id,
            "scope": row.scope,
            "sub": str(row.user_id),
            "tid": str(row.tenant_id),
            "iss": self.server.work.settings.needed("issuer"),
            "iat": int(row.issued_at.timestamp()),
            "exp": int(row.expires_at.timestamp()),
        }
