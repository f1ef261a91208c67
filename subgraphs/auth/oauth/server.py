"""Authlib's authorization server, made for one request and gone with it.

Authlib is synchronous, our tables are not. It runs within `AsyncSession.run_sync`, on the request's own connection and
transaction, and what it asks of us it gets by `await_only`: our functions stay as they are, and nothing is fetched twice
or too early.

    route ─► Work ─► run_sync( Authlib: check, check, check ─► await_only(our function) ─► … ) ─► Reply ─► commit

The transaction is committed whatever the answer is: that a stolen token was used a second time is written down although,
and because, the answer is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import JsonRequest, OAuth2Payload
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from sqlalchemy.util import await_only
from starlette.datastructures import Headers

from subgraphs.auth.models.oauth import DeviceCode, OAuthClient
from subgraphs.auth.rules import clients as rules
from subgraphs.auth.service import clients, tokens
from subgraphs.kit.work import Work

T = TypeVar("T")
Answer = TypeVar("Answer")

# At its most talkative level, Authlib logs the tokens that it issues.
logging.getLogger("authlib").setLevel(logging.INFO)

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
"""How a client may say who it is; which one it must use, its row says."""


def wait(running: Awaitable[T]) -> T:
    """The result of one of our functions, within Authlib."""
    return await_only(running)


@dataclass(slots=True)
class Reply:
    """What Authlib wants answered."""

    status: int
    body: Any
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def location(self) -> str | None:
        """Where a browser is sent."""
        return next((value for name, value in self.headers if name.lower() == "location"), None)


class Payload(OAuth2Payload):
    """The parameters of a request, each with all its values."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._lists = {name: list(given) for name, given in values.items()}
        self._data = {name: given[0] for name, given in values.items() if given}

    @property
    def data(self) -> dict[str, str]:
        """Each parameter's first value."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[str]]:
        """Each parameter's values."""
        return self._lists


class Asked(OAuth2Request):
    """A request as Authlib sees it."""

    def __init__(self, method: str, uri: str, values: Mapping[str, list[str]], headers: Headers) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = Payload(values)

    @property
    def args(self) -> dict[str, str]:
        """The parameters."""
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        """The parameters."""
        return self.payload.data


class Client:
    """A client as Authlib sees it."""

    def __init__(self, row: OAuthClient, work: Work) -> None:
        self.row = row
        self._work = work

    def get_client_id(self) -> str:
        """Its id."""
        return self.row.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Its address, if it has only one."""
        return self.row.redirect_uris[0] if len(self.row.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """What it may have of what it asks for."""
        return " ".join(tokens.allowed_scopes(self.row, (scope or "").split()))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether a browser may be sent there."""
        return rules.is_redirect_of(self.row.redirect_uris, redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is its secret."""
        return clients.secret_is(self.row, client_secret, self._work)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it says who it is in the way that was agreed; of the two ways to send a secret, either will do."""
        del endpoint
        return method == self.row.auth_method or {method, self.row.auth_method} <= _SECRETS

    def check_response_type(self, response_type: str) -> bool:
        """There is one way to answer a browser."""
        return response_type == "code" and "authorization_code" in self.row.grant_types

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may come this way."""
        return grant_type in self.row.grant_types


_SECRETS = {"client_secret_basic", "client_secret_post"}


class Server(AuthorizationServer):
    """Authlib's server for one request."""

    def __init__(self, work: Work, device: DeviceCode | None = None, *, too_fast: bool = False) -> None:
        super().__init__(scopes_supported=tokens.scopes_supported())
        self.work = work
        self.device = device
        """The device that asks, read before, behind the platform's wall."""
        self.too_fast = too_fast
        """Whether it asks more often than was agreed."""
        self.register_token_generator("default", self._issue)

    def query_client(self, client_id: str) -> Client | None:
        """The client with this id."""
        row = wait(clients.find(self.work, client_id))
        return Client(row, self.work) if row else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nothing: what must be kept was kept when it was made."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        """It is one already."""
        return request

    def create_json_request(self, request: JsonRequest) -> JsonRequest:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        """Keep the answer for the route."""
        return Reply(status, body, list(headers))

    def _issue(
        self,
        *,
        client: Client,
        user: tokens.Holder,
        scope: str | None,
        include_refresh_token: bool,
        **_more: Any,
    ) -> dict[str, Any]:
        return wait(self._issued(client.row, user, scope or "", refresh=include_refresh_token))

    async def _issued(self, client: OAuthClient, holder: tokens.Holder, scope: str, *, refresh: bool) -> dict[str, Any]:
        access, effective = await tokens.access_token(self.work, client, holder, scope)
        token: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": tokens.ACCESS_SECONDS,
            "scope": effective,
        }
        if refresh:
            token["refresh_token"] = await tokens.new_refresh_token(self.work, client.client_id, holder, scope)
        if "openid" in scope.split():
            token["id_token"] = await tokens.id_token(self.work, client, holder, scope, access)
        return token


async def answered(server: Server, ask: Callable[[Server], Answer]) -> Answer | Reply:
    """Let Authlib answer within the server's work; what it cannot even put into words is an invalid request."""

    def run(_session: object) -> Answer | Reply:
        try:
            return ask(server)
        except OAuth2Error as error:
            return server.handle_response(*error())
        except ValueError:
            # A byte that is no text, or a quotation mark in a value that an error would repeat.
            return server.handle_response(*InvalidRequestError()())

    return await server.work.session.run_sync(run)
