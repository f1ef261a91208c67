"""The registry's HTTP side: modules announce themselves, and whoever runs the platform looks."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from router.registry.registry import Entry, Registration, Registry
from router.server.refusals import Refused
from router.server.request import ClientGone, read_body

_LARGEST = 10_000_000


class _Announcement(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)

    url: str = Field(pattern=r"^(https?|inprocess)://[^\s]+$")
    version: str = Field(max_length=200)
    sdl: str


def routes(registry: Registry, token: SecretStr | None, public_keys: Callable[[], dict[str, Any]]) -> list[BaseRoute]:
    """Return the registry's routes; without a token nobody may register, and only the keys are shown."""

    async def keys(_request: Request) -> Response:
        return JSONResponse(public_keys(), headers={"cache-control": "public, max-age=60"})

    async def announce(request: Request) -> Response:
        return await _guarded(request, token, lambda: _announced(registry, request))

    async def listed(request: Request) -> Response:
        async def answer() -> Response:
            return JSONResponse({"subgraphs": [_shown(entry) for entry in registry.entries()]})

        return await _guarded(request, token, answer)

    shown: list[BaseRoute] = [Route("/registry/jwks.json", keys)]
    if token is None:
        return shown
    return [
        *shown,
        Route("/registry/subgraphs", listed, methods=["GET"]),
        Route("/registry/subgraphs/{name}", announce, methods=["POST"]),
    ]


async def _guarded(request: Request, token: SecretStr | None, answer: Any) -> Response:
    given = request.headers.get("authorization", "")
    expected = f"Bearer {token.get_secret_value()}" if token else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        headers = {"www-authenticate": "Bearer"}
        return _problem("UNAUTHENTICATED", "The registry's token is needed.", 401, headers)
    response: Response = await answer()
    return response


async def _announced(registry: Registry, request: Request) -> Response:
    try:
        body = await read_body(request.receive, request.headers, _LARGEST)
        announcement = _Announcement.model_validate_json(body)
    except Refused as refused:
        return _problem(refused.code.code, str(refused), refused.code.status)
    except ClientGone:
        return Response(status_code=400)
    except ValidationError as invalid:
        reasons = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in invalid.errors(include_input=False)]
        return _problem("BAD_REQUEST", "; ".join(reasons), 400)
    name = request.path_params["name"]
    registration = Registration(name, announcement.url, announcement.version, announcement.sdl)
    verdict = await registry.register(registration)
    if verdict.state == "active":
        return JSONResponse({"state": "active"})
    errors = [{"code": one.code, "message": one.message} for one in verdict.errors]
    return JSONResponse({"state": "rejected", "errors": errors}, 409)


def _shown(entry: Entry) -> dict[str, Any]:
    one = entry.registration
    shown: dict[str, Any] = {"name": one.name, "url": one.url, "version": one.version, "state": entry.verdict.state}
    if entry.seen is not None:
        shown["seen"] = round(entry.seen, 3)
    if entry.verdict.errors:
        shown["errors"] = [{"code": error.code, "message": error.message} for error in entry.verdict.errors]
    return shown


def _problem(code: str, message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, headers)
