"""The four ways to a token: a code with its proof (PKCE), a refresh token, a client's own credentials, and a device's code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant as AuthlibDeviceCodeGrant
from joserfc.jwk import KeySet
from sqlalchemy.dialects.postgresql import insert

from subgraphs.auth import handles
from subgraphs.auth.models.oauth import AuthorizationCode, DeviceCode, RefreshToken, UsedAssertion
from subgraphs.auth.oauth.server import METHODS, Client, Server, wait
from subgraphs.auth.service import tokens
from subgraphs.kit.ids import uuid7

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Code:
    """A code as Authlib sees it."""

    row: AuthorizationCode

    @property
    def code_challenge(self) -> str:
        """What the verifier must hash to."""
        return self.row.code_challenge

    @property
    def code_challenge_method(self) -> str:
        """How: S256."""
        return self.row.code_challenge_method

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.row.redirect_uri

    def get_scope(self) -> str:
        """What the user granted."""
        return self.row.scope


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    """A code, brought by a browser, turned into tokens by the client that asked for it (OAuth 2.1)."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    server: Server

    def generate_authorization_code(self) -> str:
        """Made and written down in one go."""
        payload = self.request.payload
        return wait(
            tokens.new_code(
                self.server.work,
                self.request.client.row,
                self.request.user,
                redirect_uri=payload.redirect_uri or self.request.client.get_default_redirect_uri(),
                scope=self.request.scope,
                challenge=payload.data["code_challenge"],
            )
        )

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """It is written down."""

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The code, used up by this."""
        row = wait(tokens.redeem_code(self.server.work, code, client.row))
        return Code(row) if row else None

    def authenticate_user(self, authorization_code: Code) -> tokens.Holder | None:
        """Who granted it, if they may still come in."""
        row = authorization_code.row
        return wait(tokens.holder_of(self.server.work, row.user_id, row.session_id, row.grant_id, row.nonce))

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It stays, used up, to be recognised when it comes again."""


class ProofKey(CodeChallenge):
    """PKCE as OAuth 2.1 wants it: from everybody, and S256 only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - Authlib's
    CODE_CHALLENGE_METHODS = {"S256": CodeChallenge.CODE_CHALLENGE_METHODS["S256"]}  # noqa: RUF012 - Authlib's

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Refuse a request without a challenge; Authlib would wave it through."""
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Unsupported 'code_challenge_method'")
        super().validate_code_challenge(grant, redirect_uri)


class Refresh:
    """A refresh token as Authlib sees it."""

    def __init__(self, row: RefreshToken) -> None:
        self.row = row

    def check_client(self, client: Client) -> bool:
        """Whether it was issued to this client."""
        return self.row.client_id == client.get_client_id()

    def get_scope(self) -> str:
        """What the user granted."""
        return self.row.scope


class RefreshTokenGrant(grants.RefreshTokenGrant):
    """A refresh token, turned into the next one and an access token; each works once."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    server: Server

    def _validate_request_token(self, client: Client) -> Refresh:
        self.request.client = client
        return super()._validate_request_token(client)  # type: ignore[no-any-return]

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        """The token, if it is fresh; one that was used before takes its family along."""
        row = wait(tokens.present_refresh_token(self.server.work, refresh_token, self.request.client.row))
        return Refresh(row) if row else None

    def authenticate_user(self, refresh_token: Refresh) -> tokens.Holder | None:
        """Who granted it, if they may still come in."""
        row = refresh_token.row
        return wait(tokens.holder_of(self.server.work, row.user_id, row.session_id, row.grant_id, None))

    def issue_token(self, user: tokens.Holder, refresh_token: Refresh) -> Any:
        """An access token with what is asked for, and a refresh token that can do all that the old one could."""
        scope = self.request.payload.scope or refresh_token.get_scope()
        token = self.generate_token(user=user, scope=scope, include_refresh_token=False)
        client_id = self.request.client.get_client_id()
        following = tokens.new_refresh_token(self.server.work, client_id, user, refresh_token.get_scope())
        return token | {"refresh_token": wait(following)}

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """It was used."""
        refresh_token.row.used_at = self.server.work.at


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    """A service account's own credentials."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS[:-1]

    server: Server

    def create_token_response(self) -> Any:
        """A token for the user that this client is; a client that is nobody gets none."""
        row = self.request.client.row
        asked = (self.request.payload.scope or "").split() or list(row.scopes)
        allowed = tokens.allowed_scopes(row, [one for one in asked if one != "openid"])
        if not allowed:
            raise InvalidScopeError
        holder = row.user_id and wait(tokens.holder_of(self.server.work, row.user_id, None, uuid7(), None))
        if not holder:
            raise UnauthorizedClientError
        token = self.generate_token(user=holder, scope=" ".join(allowed), include_refresh_token=False)
        return 200, token, self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True, slots=True)
class Device:
    """A device's code as Authlib sees it."""

    row: DeviceCode
    expired: bool

    def get_client_id(self) -> str:
        """Who asked."""
        return self.row.client_id

    def get_scope(self) -> str:
        """What for."""
        return self.row.scope

    def get_user_code(self) -> str:
        """What the person entered."""
        return self.row.user_code

    def is_expired(self) -> bool:
        """Whether nobody came in time."""
        return self.expired


class DeviceCodeGrant(AuthlibDeviceCodeGrant):
    """A device's code, turned into tokens once somebody has let the device in (RFC 8628).

    The device's row was read and judged before, behind the platform's wall.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    server: Server

    def query_device_credential(self, device_code: str) -> Device:
        """The device; a code that brought tokens before is none any more."""
        del device_code
        device = self.server.device
        if device is None or device.status == "USED":
            raise InvalidGrantError("Invalid 'device_code' in request.")
        return Device(device, device.expires_at <= self.server.work.at)

    def query_user_grant(self, user_code: str) -> tuple[tokens.Holder | None, bool] | None:
        """Who let it in, or refused to."""
        del user_code
        device = self.server.device
        if device is None or device.status == "PENDING":
            return None
        if device.status != "APPROVED" or device.user_id is None:
            return None, False
        holder = wait(tokens.holder_of(self.server.work, device.user_id, device.session_id, uuid7(), None))
        return holder, holder is not None

    def should_slow_down(self, credential: Device) -> bool:
        """Whether it asks too often."""
        del credential
        return self.server.too_fast


class SignedAssertion(JWTBearerClientAssertion):
    """A client that proves itself with its own key (RFC 7523): once with each assertion, and to us."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def get_audiences(self) -> list[str]:
        """What an assertion for us may call us."""
        issuer = self._server.work.settings.needed("issuer")
        return [issuer, f"{issuer}/auth/token"]

    def resolve_client_public_key(self, client: Client) -> KeySet:
        """The client's keys; one without is nobody's."""
        if not client.row.jwks:
            raise InvalidClientError
        return KeySet.import_key_set(client.row.jwks)  # type: ignore[arg-type]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        """Whether this assertion comes for the first time; remembered for as long as it would be believed again."""
        work = self._server.work
        until = datetime.fromtimestamp(min(claims["exp"], _FOR_EVER.timestamp()), UTC)
        row = {
            "tenant_id": work.caller.tenant,
            "jti_hash": handles.hashed(f"{claims['sub']}/{jti}"),
            "expires_at": until + timedelta(seconds=self.leeway),
        }
        written = insert(UsedAssertion).values(row).on_conflict_do_nothing().returning(UsedAssertion.jti_hash)
        return wait(work.session.execute(written)).scalar_one_or_none() is not None


def equipped(server: Server) -> Server:
    """Give a server all grants, and let clients prove themselves with their own keys."""
    server.register_client_auth_method("private_key_jwt", SignedAssertion(server))
    server.register_grant(AuthorizationCodeGrant, [ProofKey(required=True)])
    for grant in (RefreshTokenGrant, ClientCredentialsGrant, DeviceCodeGrant):
        server.register_grant(grant)
    return server
