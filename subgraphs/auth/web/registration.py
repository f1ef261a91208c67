"""Registering clients over HTTP: RFC 7591 for new ones, RFC 7592 for those that look after themselves."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.service import registration
from subgraphs.auth.web.house import BadForm, House, body
from subgraphs.kit.errors import Invalid

_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


class Registering:
    """The registration endpoint and that of each client."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def register(self, request: Request) -> Response:
        """Write a client down, for whoever was given an initial access token."""
        token = _bearer(request)
        metadata = await _metadata(request)
        try:
            async with self.house.begin(handles.tenant_of(token) or PLATFORM, "registerClient", request) as work:
                if not await registration.use_initial_token(work, token):
                    return _refused("invalid_token", "An initial access token is needed.", 401)
                client, secret, management = await registration.register(work, metadata)
                await work.session.flush()
                said = registration.shown(client)
        except Invalid as refused:
            return _refused(_error(refused), refused.message)
        more = {"client_secret": secret, "client_secret_expires_at": 0} if secret else {}
        return JSONResponse({**said, **more, **self._place(client.client_id, management)}, 201, headers=_NO_STORE)

    async def look_after(self, request: Request) -> Response:
        """Show, replace or remove a registration, for the client itself."""
        client_id, token = request.path_params["client_id"], _bearer(request)
        metadata = await _metadata(request) if request.method == "PUT" else {}
        try:
            async with self.house.begin(handles.tenant_of(client_id) or PLATFORM, "changeClient", request) as work:
                client = await registration.managed(work, client_id, token)
                if client is None:
                    return _refused("invalid_token", "The registration access token is needed.", 401)
                if request.method == "DELETE":
                    client.disabled_at = work.at
                    return Response(status_code=204, headers=_NO_STORE)
                if request.method == "PUT":
                    await registration.replace(work, client, metadata)
                said = registration.shown(client)
        except Invalid as refused:
            return _refused(_error(refused), refused.message)
        return JSONResponse({**said, **self._place(client_id, token)}, headers=_NO_STORE)

    def _place(self, client_id: str, management: str) -> dict[str, str]:
        return {
            "registration_client_uri": f"{self.house.issuer}/auth/register/{client_id}",
            "registration_access_token": management,
        }


async def _metadata(request: Request) -> dict[str, Any] | None:
    try:
        given = json.loads(await body(request))
    except (BadForm, ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) and "\\u0000" not in json.dumps(given) else None


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _error(refused: Invalid) -> str:
    return "invalid_redirect_uri" if refused.field == "redirectUris" else "invalid_client_metadata"


def _refused(error: str, description: str, status: int = 400) -> Response:
    headers = {**_NO_STORE, **({"www-authenticate": f'Bearer error="{error}"'} if status == 401 else {})}
    return JSONResponse({"error": error, "error_description": description}, status, headers=headers)
