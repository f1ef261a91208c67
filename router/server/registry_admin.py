"""What was published, what it changed, who would feel a change, and the way back: for whoever runs the platform.

    GET    /registry/history              every version: number, hash, when, who, why, its modules, how much changed
    GET    /registry/history/{version}    one version, by number or hash: all changes, and its supergraph
    GET    /registry/diff?from=1&to=2     what changed between two versions
    GET    /registry/operations           what clients sent, and which clients
    POST   /registry/rollback             {"to": "1", "by": …, "reason": …}: serve an earlier version again
    DELETE /registry/rollback             let the modules' own schemas count again

All of it needs the registry's token. It's made of the same routes that `python -m router registry` calls.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from router.federation.supergraph import Supergraph
from router.later import later
from router.registry.history import Published, UnknownVersion
from router.registry.registry import Intent, Registry
from router.registry.usage import Seen
from router.server.registration import body_of, guarded, problem, verdict_response

if TYPE_CHECKING:
    from router.composition import difference
else:
    difference = later("router.composition.difference")


class _Rollback(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    to: str = Field(min_length=1, max_length=64)
    by: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=1000)


def routes(registry: Registry, token: SecretStr | None) -> list[BaseRoute]:
    """Return the routes; without a token there are none."""
    if token is None:
        return []

    def route(path: str, answer: Callable[[Registry, Request], Awaitable[Response]], method: str = "GET") -> Route:
        async def answered(request: Request) -> Response:
            return await guarded(request, token, lambda: _known(answer, registry, request))

        return Route(path, answered, methods=[method])

    return [
        route("/registry/history", _history),
        route("/registry/history/{version}", _version),
        route("/registry/diff", _diff),
        route("/registry/operations", _operations),
        route("/registry/rollback", _roll_back, "POST"),
        route("/registry/rollback", _release, "DELETE"),
    ]


async def _known(
    answer: Callable[[Registry, Request], Awaitable[Response]], registry: Registry, request: Request
) -> Response:
    try:
        return await answer(registry, request)
    except UnknownVersion as unknown:
        return problem("UNKNOWN_VERSION", str(unknown), 404)


async def _history(registry: Registry, _request: Request) -> Response:
    versions = registry.history.versions
    shown = [_shown(one) for one in reversed(versions)]
    current = versions[-1].hash if versions else None
    return JSONResponse({"current": current, "held": registry.held, "versions": shown})


async def _version(registry: Registry, request: Request) -> Response:
    one = registry.history.find(request.path_params["version"])
    changes = [dict(change) for change in one.changes]
    return JSONResponse({**_shown(one), "changes": changes, "supergraph_sdl": one.supergraph_sdl})


async def _diff(registry: Registry, request: Request) -> Response:
    """Compare two versions; without `to` the current one, without `from` the one before it."""
    versions = registry.history.versions
    wanted, since = request.query_params.get("to"), request.query_params.get("from")
    if not versions:
        raise UnknownVersion("Nothing was published yet.")
    after = registry.history.find(wanted) if wanted else versions[-1]
    before = registry.history.find(since) if since else registry.history.before(after)
    if before is None:
        raise UnknownVersion(f"No version before {after.number} is remembered.")
    changes = await asyncio.to_thread(_between, before, after)
    return JSONResponse({"from": before.number, "to": after.number, **difference.as_json(changes)})


def _between(before: Published, after: Published) -> tuple[difference.Change, ...]:
    return difference.between(Supergraph.parse(before.supergraph_sdl), Supergraph.parse(after.supergraph_sdl))


async def _operations(registry: Registry, _request: Request) -> Response:
    seen = registry.seen.since(registry.policy.window_seconds) if registry.seen is not None else []
    return JSONResponse({"operations": [_operation(one) for one in seen]})


async def _roll_back(registry: Registry, request: Request) -> Response:
    wanted = await body_of(request, _Rollback)
    return verdict_response(await registry.roll_back(wanted.to, Intent(wanted.by, wanted.reason)))


async def _release(registry: Registry, _request: Request) -> Response:
    return JSONResponse({"released": await registry.release()})


def _shown(one: Published) -> dict[str, Any]:
    levels = Counter(change["level"] for change in one.changes)
    return {
        "number": one.number,
        "hash": one.hash,
        "at": _time(one.at),
        "who": one.who,
        "why": one.why,
        "subgraphs": {module["name"]: module["version"] for module in one.registrations},
        "changed": {level.value: levels[level.value] for level in difference.Level},
    }


def _operation(seen: Seen) -> dict[str, Any]:
    return {
        "hash": seen.digest,
        "name": seen.name,
        "type": seen.kind,
        "count": seen.count,
        "last_seen": _time(seen.last_seen),
        "clients": {client: _time(last) for client, last in sorted(seen.clients.items())},
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
