"""What programs read before they ask: where everything is, and with which keys it is signed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subgraphs.auth.oauth.server import METHODS
from subgraphs.auth.service import keys, tokens
from subgraphs.auth.service.registration import DEVICE_GRANT
from subgraphs.auth.web.house import House

_PUBLIC = {"access-control-allow-origin": "*"}


class Discovery:
    """The two documents that everybody may read."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def metadata(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0 and RFC 8414: the same answer to both."""
        del request
        headers = {**_PUBLIC, "cache-control": "public, max-age=300"}
        return JSONResponse(metadata(self.house.issuer), headers=headers)

    async def jwks(self, request: Request) -> Response:
        """The public halves of our keys, the next ones among them."""
        del request
        ring = await self.house.keys()
        headers = {**_PUBLIC, "cache-control": "public, max-age=60"}
        return JSONResponse({"keys": list(ring.published)}, headers=headers)


def metadata(issuer: str) -> dict[str, Any]:
    """Where everything is and what we can do."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth/authorize",
        "token_endpoint": f"{issuer}/auth/token",
        "userinfo_endpoint": f"{issuer}/auth/userinfo",
        "jwks_uri": f"{issuer}/auth/jwks.json",
        "revocation_endpoint": f"{issuer}/auth/revoke",
        "introspection_endpoint": f"{issuer}/auth/introspect",
        "device_authorization_endpoint": f"{issuer}/auth/device-authorization",
        "registration_endpoint": f"{issuer}/auth/register",
        "end_session_endpoint": f"{issuer}/auth/logout",
        "scopes_supported": tokens.scopes_supported(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", DEVICE_GRANT],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(keys.ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_methods_supported": METHODS[:-1],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "acr_values_supported": ["aal1", "aal2"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["de", "en"],
        "claims_supported": [
            "sub", "name", "given_name", "family_name", "preferred_username", "locale", "zoneinfo", "updated_at",
            "email", "email_verified", "sid", "auth_time", "acr", "amr",
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }  # fmt: skip
