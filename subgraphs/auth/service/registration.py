"""Clients that register themselves (RFC 7591), and look after their registration (RFC 7592): only with a token of ours.

Registration is closed to strangers: somebody who may gives out an initial access token, which lets a number of programs
register within a time. What registers is somebody else's program: it asks users for their consent, and gets no
permission that was not asked for and consented to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc7591 import ClientMetadataClaims
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from sqlalchemy import select

from subgraphs.auth import handles
from subgraphs.auth.models.oauth import InitialAccessToken, OAuthClient
from subgraphs.auth.rules import clients as rules
from subgraphs.auth.service import clients, tokens
from subgraphs.kit import outside
from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_GRANTS = {"authorization_code", "refresh_token", DEVICE_GRANT}
_METHODS = {"none", "client_secret_basic", "client_secret_post", "private_key_jwt"}
_MOST_URIS = 20

Metadata = dict[str, Any] | None
"""What a client says of itself; None when it said nothing that can be read."""


async def new_initial_token(work: Work, *, uses: int = 1, lasts: timedelta = timedelta(days=7)) -> str:
    """A token that lets so many programs register."""
    handle = handles.new(work.caller.tenant)
    row = InitialAccessToken(token_hash=handles.hashed(handle), expires_at=work.at + lasts, uses_left=uses)
    work.session.add(row)
    return handle


async def use_initial_token(work: Work, handle: str) -> bool:
    """Whether this token lets somebody register; one use less from now on."""
    key = {"tenant_id": work.caller.tenant, "token_hash": handles.hashed(handle)}
    row = await work.session.get(InitialAccessToken, key, with_for_update=True, populate_existing=True)
    if row is None or row.uses_left < 1 or row.expires_at <= work.at:
        return False
    row.uses_left -= 1
    return True


async def register(work: Work, metadata: Metadata) -> tuple[OAuthClient, str | None, str]:
    """Write a client down: the client, its secret, and the token with which it looks after itself."""
    client, secret = await clients.create(work, **_described(work, metadata))
    management = handles.new(work.caller.tenant)
    client.registration_hash = handles.hashed(management)
    return client, secret, management


async def managed(work: Work, client_id: str, management: str) -> OAuthClient | None:
    """The client that this management token is for."""
    query = select(OAuthClient).where(OAuthClient.client_id == client_id, OAuthClient.disabled_at.is_(None))
    client: OAuthClient | None = await work.session.scalar(query.with_for_update())
    known = client is not None and client.registration_hash == handles.hashed(management)
    return client if known else None


async def replace(work: Work, client: OAuthClient, metadata: Metadata) -> None:
    """Change everything that describes a client; what is not said is as if it had never been (RFC 7592 section 2.2)."""
    if metadata is None or metadata.get("client_id") != client.client_id:
        raise Invalid("client_id is that of the registration.")
    described = _described(work, metadata)
    if described["auth_method"].startswith("client_secret") != client.auth_method.startswith("client_secret"):
        raise Invalid("token_endpoint_auth_method cannot change between having a secret and having none.")
    for name, value in described.items():
        setattr(client, name, value)


def shown(client: OAuthClient) -> dict[str, Any]:
    """A client's metadata, in the words of RFC 7591."""
    said = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()) if client.created_at else None,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
        "token_endpoint_auth_method": client.auth_method,
        "scope": " ".join(client.scopes),
        "id_token_signed_response_alg": client.id_token_alg,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "jwks": client.jwks,
    }
    return {name: value for name, value in said.items() if value is not None}


def _described(work: Work, metadata: Metadata) -> dict[str, Any]:
    """What we keep of a client's metadata; raises `Invalid`."""
    if metadata is None:
        raise Invalid("The request is no JSON object.")
    redirects = [rules.redirect_uri(one) for one in _strings(metadata, "redirect_uris", [])]
    try:
        ClientMetadataClaims(metadata, {}, {}, {}).validate()
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"The metadata is not valid: {getattr(error, 'description', None) or 'wrong type'}.") from error
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    grants = _strings(metadata, "grant_types", ["authorization_code"])
    _check(method, grants, redirects, _strings(metadata, "response_types", ["code"]))
    algorithm = metadata.get("id_token_signed_response_alg", "RS256")
    if algorithm not in {"RS256", "ES256"}:
        raise Invalid("id_token_signed_response_alg is RS256 or ES256.")
    scopes = str(metadata.get("scope", "openid profile email offline_access")).split()
    logout = metadata.get("backchannel_logout_uri")
    loopback = outside.runs_on_loopback(work.settings)
    return {
        "name": " ".join(str(metadata.get("client_name") or "An application").split())[:100] or "An application",
        "redirect_uris": redirects,
        "post_logout_redirect_uris": [
            rules.redirect_uri(one) for one in _strings(metadata, "post_logout_redirect_uris", [])
        ],
        "grant_types": grants,
        "auth_method": method,
        "scopes": [one for one in dict.fromkeys(scopes) if one in tokens.scopes_supported()],
        "id_token_alg": algorithm,
        "backchannel_logout_uri": rules.notified_uri(str(logout), loopback=loopback) if logout else None,
        "jwks": _keys(metadata.get("jwks"), method),
    }


def _check(method: object, grants: list[str], redirects: list[str], responses: list[str]) -> None:
    if method not in _METHODS:
        raise Invalid(f"token_endpoint_auth_method is one of {', '.join(sorted(_METHODS))}.")
    if not set(grants) <= _GRANTS:
        raise Invalid(f"grant_types are of {', '.join(sorted(_GRANTS))}.")
    if set(responses) - {"code"}:
        raise Invalid("response_types is code.")
    if "authorization_code" in grants and not 1 <= len(redirects) <= _MOST_URIS:
        raise Invalid(f"redirect_uris has 1 to {_MOST_URIS} addresses.")


def _keys(jwks: Any, method: object) -> dict[str, Any] | None:
    """Public keys of kinds that sign; a shared secret or a private key in this place is a mistake."""
    if jwks is None:
        if method == "private_key_jwt":
            raise Invalid("private_key_jwt needs jwks (keys from an address are not fetched).")
        return None
    try:
        keys = KeySet.import_key_set(jwks).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid("jwks is no set of keys.") from error
    if not keys or any(not isinstance(one, ECKey | RSAKey | OKPKey) or one.is_private for one in keys):
        raise Invalid("jwks holds public keys: EC, RSA or OKP.")
    return dict(KeySet(keys).as_dict(private=False))


def _strings(metadata: dict[str, Any], name: str, default: list[str]) -> list[str]:
    value = metadata.get(name, default)
    if not isinstance(value, list) or len(value) > _MOST_URIS or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{name} is a list of texts.")
    return list(dict.fromkeys(value))
