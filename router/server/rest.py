"""The door of the REST interface: `/api/v1` over HTTP, through the same pipeline as everything else.

    path ─ lock file ─► route ─► GraphQL operation ─ identify · limits · plan · audit ─► result ─► response or problem

What a route means is computed in `router.rest`; here is who asks, how much they may, and how HTTP says it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
import structlog
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Route as Place
from starlette.types import Receive, Scope, Send

from router.federation.supergraph import InvalidSupergraph
from router.federation.variants import InvalidContract
from router.rest import bodies, description, preconditions, problems
from router.rest.api import Api, Call, Request, allowed
from router.rest.description import Description, Shape
from router.rest.meta import Meta
from router.rest.problems import Problem, Words
from router.rest.replies import Reply
from router.rest.routes import Lock, Route
from router.rest.view import View
from router.server import limits
from router.server.access_log import Facts, facts_of
from router.server.config.rest import Rest
from router.server.head import Head, head_of
from router.server.http import GraphQLOverHTTP, wait_for
from router.server.lru import Recent
from router.server.pipeline import Client, Pipeline
from router.server.refusals import Refused
from router.server.reload import Graph, Graphs
from router.server.request import ClientGone, GraphQLRequest

if TYPE_CHECKING:  # it brings all of cryptography along
    from router.server.authentication import Caller

log = structlog.get_logger(__name__)

_PREFIX: Final = "/api/v"
_LOCK: Final = re.compile(r"v(\d+)\.lock\.json")
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"]
_JSON: Final = "application/json"
_MOST_BYTES: Final = 100_000_000
_VARY: Final = "Authorization, X-API-Key, Accept, Prefer"


class _Anything(Convertor[str]):
    """The rest of a path, line breaks in it, too: what was not found is told as a problem, whatever it was."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())


def routes(wire: GraphQLOverHTTP, pipeline: Pipeline, graphs: Graphs) -> list[BaseRoute]:
    """Return the routes of all versions; none when the interface is not served."""
    settings = pipeline.config.rest
    known = locks(settings)
    if not known:
        return []
    door = RestDoor(wire, pipeline, Versions(known, settings, graphs))
    return [Place("/api/v{version:int}{rest:anything}", door)]


def locks(settings: Rest) -> dict[int, Lock]:
    """Return the lock file of each version; none where the interface is not served."""
    return dict(_locks(settings)) if settings.enabled else {}


def needs(settings: Rest) -> dict[str, tuple[str, ...]]:
    """Return the permissions that a field asks for, by coordinate, as far as they are told: by routes, and for all fields."""
    if not settings.enabled:
        return {}
    routes = (route for lock in locks(settings).values() for route in lock.routes if route.nested is None)
    told = _folder(settings) / "permissions.json"
    written: dict[str, list[str]] = orjson.loads(told.read_bytes()) if told.exists() else {}
    return {
        **{route.coordinate: route.scopes for route in routes if route.scopes},
        **{coordinate: tuple(scopes) for coordinate, scopes in written.items()},
    }


def _folder(settings: Rest) -> Path:
    return settings.folder or Path(str(resources.files("contracts"))) / "rest"


def _locks(settings: Rest) -> Iterator[tuple[int, Lock]]:
    for path in sorted(_folder(settings).glob("v*.lock.json")):
        if _LOCK.fullmatch(path.name):
            lock = Lock.loads(path.read_text(encoding="utf-8"))
            yield lock.version, lock


class Versions:
    """Every version over the supergraph that is served now; made when somebody asks, and again after a swap."""

    def __init__(self, locks: Mapping[int, Lock], settings: Rest, graphs: Graphs) -> None:
        self._locks = locks
        self._settings = settings
        self._graphs = graphs
        self._graph: Graph | None = None
        self._apis: Mapping[int, Api] = {}
        self._making = asyncio.Lock()
        self._descriptions: dict[int, Description] = {}
        self._described: Recent[tuple[int, Shape], bytes] = Recent(settings.cached_descriptions, weight=_MOST_BYTES)

    def words(self, version: int) -> Words:
        """How problems of a version are written."""
        lock = self._locks.get(version)
        return Words(lock.base, lock.codes) if lock else Words(f"{_PREFIX}{version}")

    async def api(self, version: int) -> Api:
        """The interface over the current supergraph; raises `Problem` when there is no such version."""
        if version not in self._locks:
            raise Problem("ROUTE_NOT_FOUND", f"There is no version {version} of this interface.")
        graph = self._graphs.needed()
        if graph is not self._graph:
            async with self._making:
                if graph is not self._graph:
                    self._apis = await asyncio.to_thread(self._made, graph)
                    self._graph = graph
                    self._descriptions = {}
                    self._described = Recent(self._settings.cached_descriptions, weight=_MOST_BYTES)
        if version not in self._apis:
            raise Problem("ROUTE_NOT_FOUND", "Nothing of this graph is for partners.")
        return self._apis[version]

    def _made(self, graph: Graph) -> dict[int, Api]:
        try:
            view = View.over(graph.supergraph)
        except (InvalidContract, InvalidSupergraph) as fault:
            log.warning("rest.not_served", reason=str(fault)[:500])
            return {}
        return {version: Api(view, lock, bulk_items=self._settings.bulk_items) for version, lock in self._locks.items()}

    async def describe(self, version: int, held: frozenset[str] | None) -> bytes:
        """The OpenAPI document for somebody with these permissions."""
        api = await self.api(version)
        async with self._making:
            if version not in self._descriptions:
                self._descriptions[version] = await asyncio.to_thread(self._description, api)
            whole = self._descriptions[version]
        shape = whole.shape(description.allowed(held))
        known = self._described.get((version, shape))
        if known is None:
            known = await asyncio.to_thread(whole.written, shape)
            self._described.put((version, shape), known, len(known))
        return known

    def _description(self, api: Api) -> Description:
        name = "openapi.json" if api.lock.version == 1 else f"openapi.v{api.lock.version}.json"
        document = orjson.loads((_folder(self._settings) / name).read_bytes())
        by_address = {route.address: route for route in api.lock.routes}

        def is_served(method: str, path: str) -> bool:
            route = by_address.get(f"{method} {path}")
            return route is None or api.is_served(route)  # what the interface says about itself is always there

        return Description(document, is_served)


class RestDoor:
    """The ASGI application behind `/api`."""

    def __init__(self, wire: GraphQLOverHTTP, pipeline: Pipeline, versions: Versions) -> None:
        self._wire = wire
        self._pipeline = pipeline
        self._versions = versions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; a client that has left gets none."""
        facts = facts_of(scope)
        version, path = _place(scope)
        try:
            reply = await self._guarded(version, path, scope, receive, facts)
        except ClientGone:
            return
        response = Response(reply.body, reply.status)
        response.raw_headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in _headers(reply)]
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _guarded(self, version: int, path: str, scope: Scope, receive: Receive, facts: Facts) -> Reply:
        try:
            return await self._answer(version, path, scope, receive, facts)
        except Problem as found:
            problem = found
        except Refused as refused:
            problem = _problem(refused)
        except ClientGone:
            raise
        except Exception:
            log.exception("request.failed", **{"trace.id": facts.trace.trace_id})
            problem = Problem("INTERNAL", "An internal error happened.")
        facts.error_codes.append(problem.code)
        words = self._versions.words(version)
        instance = scope["path"]
        document = words.document(problem, instance=instance, trace_id=problem.trace or facts.trace.trace_id)
        return Reply(problem.status, orjson.dumps(document), problem.headers, problems.JSON)

    async def _answer(self, version: int, path: str, scope: Scope, receive: Receive, facts: Facts) -> Reply:
        limits.check_head(scope, self._pipeline.warden)
        headers, method = head_of(scope), scope["method"]
        _check_accept(headers)
        own = await self._own(version, path, method, headers, facts)
        if own is not None:
            return own
        api = await self._versions.api(version)
        if method == "OPTIONS":
            return _options(api, path)
        route, params = api.find(method, path)
        with self._pipeline.admission.place():
            async with self._wire.deadline("GATEWAY_TIMEOUT", "Your request has been timed out."):
                caller = await self._identify(headers, facts)
                body = b"" if method in ("GET", "HEAD") else await self._wire.body(receive, headers)
                given = {name: ", ".join(headers.getlist(name)) for name in _READ if name in headers}
                asked = Request(scope["query_string"], given, body, scope["path"], facts.trace.trace_id)
                client = Client(headers, facts, caller)
                call = await self._call(api, route, params, asked, client)
                return call if isinstance(call, Reply) else await self._run(call, client, receive)

    async def _call(
        self, api: Api, route: Route, params: Mapping[str, str], asked: Request, client: Client
    ) -> Call | Reply:
        """What to ask the graph; what never gets there is counted here, as what does is counted there."""
        try:
            call = api.call(route, params, asked)
        except Problem:
            await self._pipeline.count(client)
            raise
        if isinstance(call, Reply):
            await self._pipeline.count(client)
        return call

    async def _run(self, call: Call, client: Client, receive: Receive) -> Reply:
        reply: Reply | Call = call
        while isinstance(reply, Call):
            request = GraphQLRequest(reply.document, None, reply.variables, {}, registered=True)
            prepared = await self._pipeline.prepare(request, client)
            result = await wait_for(prepared, prepared.execute(), receive)
            client.facts.error_codes.extend(error["extensions"]["code"] for error in result.errors)
            reply = reply.finish(result.data, result.errors)
        fresh = prepared.freshness(result)
        said = fresh.headers() if fresh.good and reply.status in (200, 304) else {}
        if not call.headers and not said:
            return reply
        links = ", ".join(one["link"] for one in (reply.headers, call.headers) if "link" in one)
        merged = {**reply.headers, **call.headers, **said, **({"link": links} if links else {})}
        return Reply(reply.status, reply.body, merged, reply.media_type)

    async def _identify(self, headers: Head, facts: Facts) -> Caller | None:
        caller = await self._pipeline.identify(headers, facts)
        if caller is None and self._pipeline.asks_who:
            challenge = {"www-authenticate": "Bearer"}
            raise Problem("UNAUTHENTICATED", "Say who you are: X-API-Key, or Authorization: Bearer.", headers=challenge)
        return caller

    async def _own(self, version: int, path: str, method: str, headers: Head, facts: Facts) -> Reply | None:
        """Answer what the interface says about itself."""
        words = self._versions.words(version)
        if path not in _OWN and not path.startswith((_PROBLEMS, _META)):
            return None
        if method == "OPTIONS":
            return Reply(204, b"", {"allow": "GET, HEAD, OPTIONS"})
        if method not in ("GET", "HEAD"):
            raise Problem("METHOD_NOT_ALLOWED", "Here one can GET.", headers={"allow": "GET, HEAD, OPTIONS"})
        if path.startswith(_PROBLEMS):
            told = words.explained(path.removeprefix(_PROBLEMS))
            if told is None:
                raise Problem("ROUTE_NOT_FOUND", "There is no such kind of problem.")
            return Reply(200, orjson.dumps(told))
        if path in ("", "/"):
            await self._versions.api(version)
            told = {"version": version, "openapi": f"{words.base}/openapi.json", "meta": f"{words.base}/meta"}
            return Reply(200, orjson.dumps(told))
        return await self._for_caller(version, path, headers, facts)

    async def _for_caller(self, version: int, path: str, headers: Head, facts: Facts) -> Reply:
        """Answer what the interface says about itself to somebody: what they may use of it."""
        caller = await self._identify(headers, facts)
        await self._pipeline.count(Client(headers, facts, caller))
        held = frozenset(str(caller.claims.get("scope", "")).split()) if caller is not None else None
        if path == "/openapi.json":
            body = await self._versions.describe(version, held)
        else:
            meta = Meta(await self._versions.api(version), description.allowed(held))
            body = orjson.dumps(meta.index() if path in _OWN else meta.resource(path.removeprefix(_META)))
        tag = preconditions.weak(body)
        if preconditions.is_known(headers.get("if-none-match"), tag):
            return Reply(304, b"", {"etag": tag})
        return Reply(200, body, {"etag": tag})


_OWN: Final = ("", "/", "/openapi.json", "/meta")
_PROBLEMS: Final = "/problems/"
_META: Final = "/meta/"
_READ: Final = ("content-type", "prefer", "if-match", "if-none-match", "idempotency-key")


def _place(scope: Scope) -> tuple[int, str]:
    """The version, and the path below it as it was sent: a slash in an identifier is none of the path's."""
    raw = scope.get("raw_path") or scope["path"].encode()
    text = raw.partition(b"?")[0].decode("latin-1")
    found = re.match(r"/api/v(\d+)(.*)", text, re.DOTALL)
    return (int(found[1]), found[2]) if found else (scope["path_params"]["version"], scope["path_params"]["rest"])


def _check_accept(headers: Head) -> None:
    accept = ",".join(headers.getlist("accept")).lower()
    if not accept.strip():
        return
    for part in accept.split(","):
        name, *parameters = (piece.strip().replace(" ", "") for piece in part.split(";"))
        refused = any(re.fullmatch(r"q=0(\.0*)?", one) for one in parameters)
        if name in (_JSON, "application/*", "*/*", problems.JSON) and not refused:
            return
    raise Problem("NOT_ACCEPTABLE", f"Answers are {_JSON}.")


def _options(api: Api, path: str) -> Reply:
    found = api.table.find(path)
    if found is None:
        raise Problem("ROUTE_NOT_FOUND", "There is nothing at this path.")
    told = {"allow": ", ".join(allowed(found[0]))}
    if "PATCH" in found[0]:
        told["accept-patch"] = ", ".join(bodies.PATCHES)
    return Reply(204, b"", told)


_IN_OUR_WORDS: Final = {"INVALID_GRAPHQL_REQUEST": "BODY_TOO_LARGE"}
"""What is called after GraphQL elsewhere."""


def _problem(refused: Refused) -> Problem:
    first = refused.errors[0]
    code = _IN_OUR_WORDS.get(first["extensions"]["code"], first["extensions"]["code"])
    status = refused.status if refused.status >= 400 else problems.status_of(code)
    headers = dict(refused.headers)
    if status == 401:
        headers.setdefault("www-authenticate", "Bearer")
    trace = first["extensions"].get("traceId")
    return Problem(code, first["message"], status=status, headers=headers, trace=trace)


def _headers(reply: Reply) -> Iterator[tuple[str, str]]:
    yield "content-length", str(len(reply.body))
    if reply.body:
        yield "content-type", reply.media_type
    yield "vary", _VARY
    if "cache-control" not in reply.headers:
        again = "etag" in reply.headers and reply.status in (200, 304)
        yield "cache-control", "private, no-cache" if again else "no-store"
    yield from reply.headers.items()
