"""What the developers' page shows besides the graph itself: for whoever may send operations, and may read the schema.

GET /explorer/data/map                        which module owns what, how entities connect, what a field asks for
GET /explorer/data/changes                    the versions that were served, the newest first, and what each changed
GET /explorer/data/roles                      the system roles with their permissions, and what fields need
GET /explorer/data/events                     AsyncAPI: the events that the platform tells
GET /explorer/data/version                    which schema is served: a page that is open for long asks whether it's another one
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from contracts.scopes import PERMISSIONS, ROLE_NAMES, ROLES
from router.explorer import schema_map
from router.registry.history import Published
from router.registry.registry import Registry
from router.server import limits, response, rest
from router.server.access_log import facts_of
from router.server.head import head_of
from router.server.pipeline import Pipeline
from router.server.refusals import Refused
from router.server.reload import Graph, Graphs
from router.server.request import JSON

_MOST_CHANGES: Final = 500


class ExplorerData:
    """Answers each question from what is served now."""

    def __init__(self, pipeline: Pipeline, graphs: Graphs, registry: Registry) -> None:
        self._pipeline = pipeline
        self._graphs = graphs
        self._registry = registry
        self._drawn: tuple[Graph, bytes] | None = None
        self._named: tuple[Graph, str] | None = None

    async def map(self) -> bytes:
        """Draw the map once for each supergraph: it takes as long as a small request."""
        graph = self._graphs.needed()
        if self._drawn is None or self._drawn[0] is not graph:
            drawn = await asyncio.to_thread(self._draw, graph)
            self._drawn = (graph, drawn)
        return self._drawn[1]

    def _draw(self, graph: Graph) -> bytes:
        return orjson.dumps(schema_map.of(graph.supergraph, graph.schema))

    async def changes(self) -> bytes:
        """Return the versions as far as they are remembered."""
        return orjson.dumps({"versions": [_version(one) for one in reversed(self._registry.history.versions)]})

    async def roles(self) -> bytes:
        """Return who may do what, and what their modules ask for before they answer a field."""
        needs = await asyncio.to_thread(rest.needs, self._pipeline.config.rest)
        roles = {role: {"name": ROLE_NAMES[role], "permissions": sorted(held)} for role, held in ROLES.items()}
        return orjson.dumps({"roles": roles, "permissions": dict(PERMISSIONS), "needs": needs})

    async def version(self) -> bytes:
        """Return what tells one schema from another."""
        graph = self._graphs.needed()
        if self._named is None or self._named[0] is not graph:
            sdl = (self._graphs.sdl or "").encode()
            self._named = (graph, hashlib.sha256(sdl).hexdigest()[:16])
        return orjson.dumps({"schema": self._named[1]})

    async def events(self) -> bytes:
        """Return the contract as it came along."""
        file = resources.files("contracts") / "events" / "asyncapi.json"
        try:
            return await asyncio.to_thread(file.read_bytes)
        except OSError:
            return b"{}"

    async def checked(self, request: Request, answer: Callable[[], Awaitable[bytes]]) -> Response:
        """Answer whoever may ask."""
        facts, headers = facts_of(request.scope), head_of(request.scope)
        try:
            self._pipeline.admission.check()
            limits.check_head(request.scope, self._pipeline.warden)
            await self._pipeline.identify(headers, facts)
            self._check_shown()
            return response.written(await answer(), 200, JSON)
        except Refused as refused:
            facts.error_codes.append(refused.code.code)
            return response.refusal(refused, JSON, apollo_status_codes=True)

    def _check_shown(self) -> None:
        if not self._pipeline.config.introspection:
            raise Refused("INTROSPECTION_DISABLED", "The schema is not shown here.", status=403)


def routes(pipeline: Pipeline, graphs: Graphs, registry: Registry) -> list[BaseRoute]:
    """Return the routes; they stand before those of the page's files."""
    data = ExplorerData(pipeline, graphs, registry)

    def route(name: str, answer: Callable[[], Awaitable[bytes]]) -> Route:
        async def answered(request: Request) -> Response:
            return await data.checked(request, answer)

        return Route(f"/explorer/data/{name}", answered)

    told = {
        "map": data.map,
        "changes": data.changes,
        "roles": data.roles,
        "events": data.events,
        "version": data.version,
    }
    return [route(name, answer) for name, answer in told.items()]


def _version(one: Published) -> dict[str, Any]:
    """Without who asked for it: that is for operators."""
    at = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds")
    modules = {module["name"]: module["version"] for module in one.registrations}
    changes = [dict(change) for change in one.changes[:_MOST_CHANGES]]
    return {"number": one.number, "at": at, "modules": modules, "changes": changes, "all": len(one.changes)}
