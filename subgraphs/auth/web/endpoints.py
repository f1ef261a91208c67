"""What programs ask: tokens, taking them back, asking about them, devices, and who a user is."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, UnauthorizedClientError
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from joserfc import jws
from joserfc.errors import JoseError
from sqlalchemy import delete, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import DeviceCode
from subgraphs.auth.models.people import User
from subgraphs.auth.oauth.endpoints import Introspection, Revocation
from subgraphs.auth.oauth.grants import equipped
from subgraphs.auth.oauth.server import METHODS, Asked, Reply, Server, answered
from subgraphs.auth.rules import device as rules
from subgraphs.auth.service import clients, tokens
from subgraphs.auth.service.registration import DEVICE_GRANT
from subgraphs.auth.web.house import BadForm, House, parameters
from subgraphs.kit import audit
from subgraphs.kit.audit import Refusals
from subgraphs.kit.work import Work

_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_ANYWHERE = {"access-control-allow-origin": "*"}
"""A page of another origin may ask: it has no cookie of ours that would count for anything here."""

Values = dict[str, list[str]]


class Endpoints:
    """The endpoints of the provider that are no pages."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._told = Refusals()

    # --- tokens

    async def token(self, request: Request) -> Response:
        """Turn a code, a refresh token, credentials or a device's code into tokens."""
        values = await self._values(request)
        if values is None:
            return _json(Reply(*InvalidRequestError()()))
        await self.house.keys()
        device, too_fast = None, False
        if values.get("grant_type") == [DEVICE_GRANT]:
            device, too_fast = await self._device(request, values)
        tenant = device.for_tenant_id if device and device.for_tenant_id else _tenant(values, request)
        async with self.house.begin(tenant, "token", request) as work:
            server = equipped(Server(work, device, too_fast=too_fast))
            ask = _once(values, lambda one: one.create_token_response(self._asked(request, values)))
            reply: Reply = await answered(server, ask)
            await self._record(work, reply, values, request)
            return _json(reply)

    async def _record(self, work: Work, reply: Reply, values: Values, request: Request) -> None:
        """Write down that a program came in, or showed a wrong secret; of each client once a minute."""
        body = dict(reply.body) if reply.body else {}
        came_in = reply.status == 200 and values.get("grant_type") == ["client_credentials"]
        refused = body.get("error") == "invalid_client"
        client = await clients.find(work, _client_id(values, request)) if came_in or refused else None
        if client is None or not self._told.is_new(work.caller, f"{refused} {client.client_id}"):
            return
        about: dict[str, Any] = {"resource": "OAuthClient", "resource_id": client.id}
        if client.user_id is not None:
            about = {"resource": "User", "resource_id": client.user_id}
        about["details"] = {"client": client.client_id, "methods": "client credentials"}
        await audit.note(work, "signIn", outcome="REFUSED" if refused else "DONE", **about)

    async def _device(self, request: Request, values: Values) -> tuple[DeviceCode | None, bool]:
        """The device that asks, and whether it asks too often; an approved one is used up by this, before it gets anything."""
        handle = (values.get("device_code") or [""])[0]
        async with self.house.begin(PLATFORM, "device", request) as work:
            key = {"tenant_id": PLATFORM, "code_hash": handles.hashed(handle)}
            row = await work.session.get(DeviceCode, key, with_for_update=True)
            if row is None:
                return None, False
            seen = DeviceCode(**{column.key: getattr(row, column.key) for column in DeviceCode.__table__.columns})
            too_fast = rules.is_too_fast(row.polled_at, row.seconds_between, work.at)
            row.polled_at = work.at
            if too_fast:
                row.seconds_between = min(row.seconds_between + rules.SLOWER_BY, rules.SLOWEST)
            if row.status == "APPROVED":
                row.status = "USED"
            return seen, too_fast

    async def revoke(self, request: Request) -> Response:
        """Take a token back."""
        return await self._about_a_token(request, Revocation)

    async def introspect(self, request: Request) -> Response:
        """Tell whether a token holds, and what it says."""
        return await self._about_a_token(request, Introspection)

    async def _about_a_token(self, request: Request, endpoint: type[Any]) -> Response:
        values = await self._values(request)
        if values is None:
            return _json(Reply(*InvalidRequestError()()))
        await self.house.keys()
        token = (values.get("token") or [""])[0]
        async with self.house.begin(
            await self._tenant_of(token, values, request), endpoint.ENDPOINT_NAME, request
        ) as work:
            server = equipped(Server(work))
            server.register_endpoint(endpoint)
            asked = self._asked(request, values)
            ask = _once(values, lambda one: one.create_endpoint_response(endpoint.ENDPOINT_NAME, asked))
            return _json(await answered(server, ask))

    async def _tenant_of(self, token: str, values: Values, request: Request) -> UUID:
        if token.count(".") == 2:
            async with self.house.begin(PLATFORM, "introspect") as work:
                claims = await tokens.verified(work, token, "at+jwt")
            if claims:
                return UUID(claims["tid"])
        return handles.tenant_of(token) or _tenant(values, request)

    # --- who a user is

    async def userinfo(self, request: Request) -> Response:
        """What the scopes of an access token let its holder know about the user (OpenID Connect Core section 5.3)."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        await self.house.keys()
        async with self.house.begin(PLATFORM, "userinfo", request) as work:
            claims = await tokens.verified(work, token.strip(), "at+jwt") if kind.lower() == "bearer" else None
        if not claims:
            return _challenge("invalid_token" if token else None)
        async with self.house.begin(UUID(claims["tid"]), "userinfo", request) as work:
            good = await tokens.read_access_token(work, token.strip())
            user = await work.find(User, UUID(claims["sub"])) if good else None
        if good is None or user is None:
            return _challenge("invalid_token")
        if "openid" not in good["scope"].split():
            return _challenge("insufficient_scope", 403)
        return JSONResponse(tokens.userinfo(user, good["scope"]), headers={**_NO_STORE, **_ANYWHERE})

    # --- devices (RFC 8628)

    async def device(self, request: Request) -> Response:
        """Give a device a code to show."""
        values = await self._values(request)
        if values is None:
            return _json(Reply(*InvalidRequestError()()))
        async with self.house.begin(_tenant(values, request), "device", request) as work:
            server, found = equipped(Server(work)), []
            asked = self._asked(request, values)

            def ask(one: Server) -> Reply:
                client = one.authenticate_client(asked, METHODS, "device_authorization")
                if not client.check_grant_type(DEVICE_GRANT):
                    raise UnauthorizedClientError
                one.validate_requested_scope(asked.payload.scope)
                found.append(client.row)
                return Reply(200, {}, [])

            reply = await answered(server, _once(values, ask))
        if not found:
            return _json(reply)
        scope = " ".join(tokens.allowed_scopes(found[0], (asked.payload.scope or "").split()))
        if not scope:
            return _json(Reply(*InvalidScopeError()()))
        return await self._waiting(request, found[0].client_id, scope)

    async def _waiting(self, request: Request, client_id: str, scope: str) -> Response:
        handle = handles.new(PLATFORM)
        page = f"{self.house.issuer}/auth/device"
        async with self.house.begin(PLATFORM, "device", request) as work:
            await work.session.execute(delete(DeviceCode).where(DeviceCode.expires_at < work.at))
            code = await _free_code(work)
            row = DeviceCode(
                code_hash=handles.hashed(handle),
                user_code=code,
                client_id=client_id,
                scope=scope,
                status="PENDING",
                seconds_between=rules.SECONDS_BETWEEN,
                expires_at=work.at + timedelta(seconds=rules.LIFE_SECONDS),
            )
            work.session.add(row)
        shown = rules.shown(code)
        body = {
            "device_code": handle,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={shown}",
            "expires_in": rules.LIFE_SECONDS,
            "interval": rules.SECONDS_BETWEEN,
        }
        return JSONResponse(body, headers={**_NO_STORE, **_ANYWHERE})

    # --- the shape of a request

    async def _values(self, request: Request) -> Values | None:
        try:
            return await parameters(request)
        except BadForm:
            return None

    def _asked(self, request: Request, values: Values) -> Asked:
        return Asked(request.method, f"{self.house.issuer}{request.url.path}", values, request.headers)


async def _free_code(work: Any) -> str:
    while True:
        code = "".join(secrets.choice(rules.LETTERS) for _ in range(rules.LENGTH))
        if await work.session.scalar(select(DeviceCode.user_code).where(DeviceCode.user_code == code)) is None:
            return code


def _once(values: Values, ask: Callable[[Server], Reply]) -> Callable[[Server], Reply]:
    """Ask, unless a parameter came twice (RFC 6749 section 3.2)."""

    def run(server: Server) -> Reply:
        for name, given in values.items():
            if len(given) > 1 and name not in {"resource", "audience"}:
                raise InvalidRequestError("A parameter came more than once.")
        return ask(server)

    return run


def _tenant(values: Values, request: Request) -> UUID:
    """Behind whose wall to look: that of the code or token, or that of the client."""
    for name in ("code", "refresh_token"):
        if name in values and (found := handles.tenant_of(values[name][0])):
            return found
    return handles.tenant_of(_client_id(values, request)) or PLATFORM


def _client_id(values: Values, request: Request) -> str:
    """The client that asks, by its own account."""
    try:
        client_id = extract_basic_authorization(request.headers)[0]
    except ValueError:
        client_id = None
    return client_id or (values.get("client_id") or [""])[0] or _asserted(values)


def _asserted(values: Values) -> str:
    """The client that an assertion says it comes from; to be proven."""
    try:
        claims = json.loads(jws.extract_compact((values.get("client_assertion") or [""])[0].encode()).payload)
        return str(claims.get("sub", ""))
    except (JoseError, ValueError, AttributeError):
        return ""


def _json(reply: Reply) -> Response:
    body = dict(reply.body) if isinstance(reply.body, list | tuple) else reply.body
    headers = {name: value for name, value in reply.headers if name.lower() != "content-type"}
    return JSONResponse(body or {}, reply.status, headers={**headers, **_NO_STORE, **_ANYWHERE})


def _challenge(error: str | None, status: int = 401) -> Response:
    challenge = f'Bearer error="{error}"' if error else "Bearer"
    body = {"error": error or "invalid_request"}
    return JSONResponse(body, status, headers={"www-authenticate": challenge, **_NO_STORE, **_ANYWHERE})


async def preflight(request: Request) -> Response:
    """Tell browsers that pages of other origins may ask."""
    del request
    allowed = {
        "access-control-allow-methods": "GET, POST, OPTIONS",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers={**_ANYWHERE, **allowed})
