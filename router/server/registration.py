"""The registry's HTTP side: modules announce themselves; `registry_admin` is for whoever runs the platform.

POST /registry/subgraphs/{name}         url, version, sdl (and by, reason)    200 active, 409 rejected
     ?force=true                        what it would break is told, and not a reason to refuse it
POST /registry/subgraphs/{name}/check   the same, and nothing is published
GET  /registry/subgraphs                who is active, who waits and why
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from router.registry.history import History, hash_of
from router.registry.registry import (
    CheckPolicy,
    Entry,
    Intent,
    Problem,
    Publish,
    Registration,
    Registry,
    Verdict,
)
from router.registry.usage import SeenOperations
from router.server.config import RegistrySettings
from router.server.refusals import Refused
from router.server.request import ClientGone, read_body

_LARGEST = 10_000_000

B = TypeVar("B", bound=BaseModel)


class _Announcement(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)

    url: str = Field(pattern=r"^(https?|inprocess)://[^\s]+$")
    version: str = Field(max_length=200)
    sdl: str
    by: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=1000)


def registry(settings: RegistrySettings, publish: Publish, inherited: Registry | None) -> Registry:
    """Make a registry, or let one that is at work go on with other settings."""
    checks = settings.checks
    policy = CheckPolicy(checks.mode, checks.window, checks.ignored_clients)
    # Where nobody can announce anything, nobody has to note what clients send.
    noting = checks.mode != "off" and settings.token is not None
    if inherited is not None:
        inherited.policy = policy
        inherited.seen = (inherited.seen or SeenOperations(checks.operations)) if noting else None
        return inherited
    history = History(settings.history.entries, settings.history_directory)
    seen = SeenOperations(checks.operations) if noting else None
    return Registry(publish, settings.state_file, history=history, policy=policy, seen=seen)


def routes(registry: Registry, token: SecretStr | None, public_keys: Callable[[], dict[str, Any]]) -> list[BaseRoute]:
    """Return the registry's routes; without a token nobody may register, and only the keys are shown."""

    async def keys(_request: Request) -> Response:
        return JSONResponse(public_keys(), headers={"cache-control": "public, max-age=60"})

    async def announce(request: Request) -> Response:
        return await guarded(request, token, lambda: _announced(registry, request))

    async def check(request: Request) -> Response:
        return await guarded(request, token, lambda: _checked(registry, request))

    async def listed(request: Request) -> Response:
        async def answer() -> Response:
            return JSONResponse({"subgraphs": [_shown(entry) for entry in registry.entries()]})

        return await guarded(request, token, answer)

    shown: list[BaseRoute] = [Route("/registry/jwks.json", keys)]
    if token is None:
        return shown
    return [
        *shown,
        Route("/registry/subgraphs", listed, methods=["GET"]),
        Route("/registry/subgraphs/{name}", announce, methods=["POST"]),
        Route("/registry/subgraphs/{name}/check", check, methods=["POST"]),
    ]


async def guarded(request: Request, token: SecretStr | None, answer: Callable[[], Awaitable[Response]]) -> Response:
    """Answer whoever has the registry's token, and in its own words what is wrong with a request."""
    given = request.headers.get("authorization", "")
    expected = f"Bearer {token.get_secret_value()}" if token else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        headers = {"www-authenticate": "Bearer"}
        return problem("UNAUTHENTICATED", "The registry's token is needed.", 401, headers)
    try:
        return await answer()
    except Refused as refused:
        return problem(refused.code.code, str(refused), refused.code.status)
    except ClientGone:
        return Response(status_code=400)
    except ValidationError as invalid:
        reasons = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in invalid.errors(include_input=False)]
        return problem("BAD_REQUEST", "; ".join(reasons), 400)


async def body_of(request: Request, kind: type[B]) -> B:
    """Read a body as JSON; raises what `guarded` answers."""
    return kind.model_validate_json(await read_body(request.receive, request.headers, _LARGEST))


async def _announced(registry: Registry, request: Request) -> Response:
    announcement = await body_of(request, _Announcement)
    intent = Intent(announcement.by, announcement.reason, request.query_params.get("force") == "true")
    return verdict_response(await registry.register(_registration(request, announcement), intent))


async def _checked(registry: Registry, request: Request) -> Response:
    tried = await registry.try_out(_registration(request, await body_of(request, _Announcement)))
    refused = tried.problems or (tried.broken if registry.policy.mode == "enforce" else ())
    body = {
        "state": "rejected" if refused else "active",
        "errors": problems(refused),
        "warnings": [] if refused else problems(tried.broken),
        "changes": [asdict(change) for change in tried.changes],
    }
    return JSONResponse(body, 409 if refused else 200)


def _registration(request: Request, announcement: _Announcement) -> Registration:
    return Registration(request.path_params["name"], announcement.url, announcement.version, announcement.sdl)


def verdict_response(verdict: Verdict) -> Response:
    """Say what became of an announcement."""
    if verdict.state == "active":
        warnings = {"warnings": problems(verdict.warnings)} if verdict.warnings else {}
        return JSONResponse({"state": "active", **warnings})
    return JSONResponse({"state": "rejected", "errors": problems(verdict.errors)}, 409)


def problems(found: Iterable[Problem]) -> list[dict[str, str]]:
    """Return problems as JSON has them."""
    return [{"code": one.code, "message": one.message} for one in found]


def _shown(entry: Entry) -> dict[str, Any]:
    one = entry.registration
    shown: dict[str, Any] = {"name": one.name, "url": one.url, "version": one.version, "state": entry.verdict.state}
    shown["schemaHash"] = hash_of(one.sdl)
    if entry.seen is not None:
        shown["seen"] = round(entry.seen, 3)
    if entry.verdict.errors:
        shown["errors"] = problems(entry.verdict.errors)
    return shown


def problem(code: str, message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Answer with an error."""
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, headers)
