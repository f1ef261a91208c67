"""One module as a web application: its subgraph behind the verification of who asks, its health, its metrics."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL
from strawberry.types import ExecutionResult

from contracts.events.jobs import CATALOGUE as JOBS
from subgraphs.kit import broker, graph, health, tenancy
from subgraphs.kit.audit import Refusals
from subgraphs.kit.caller import Caller, KeySource, NotVerified, Verifier, keys_from
from subgraphs.kit.clock import Clock, now
from subgraphs.kit.config import Settings
from subgraphs.kit.context import Context
from subgraphs.kit.database import engine as connect
from subgraphs.kit.deadline import InTime
from subgraphs.kit.live import Feed
from subgraphs.kit.metrics import Metrics
from subgraphs.kit.module import Module

_log = structlog.get_logger()


class Breached(Exception):
    """The walls between tenants have a hole, so this process does not serve."""

    def __init__(self, module: str, breaches: Sequence[str]) -> None:
        """List every breach, because the one who repairs them wants to see all."""
        listed = "".join(f"\n  - {breach}" for breach in breaches)
        super().__init__(f"{module} refuses to start, tenants are not walled off from each other:{listed}")
        self.breaches = tuple(breaches)


def build(module: Module, settings: Settings, *, keys: KeySource | None = None, clock: Clock = now) -> Starlette:
    """The module's ASGI application; at its start it searches its walls and raises `Breached` when there is a hole.

    `keys` gives the router's public keys when it runs in the same process; otherwise PSA_INTERNAL_JWKS says where.
    """
    engine = connect(
        settings.needed("database_url"), application=f"psa-{module.name}", pool_size=settings.database_pool
    )
    known = keys or keys_from(settings.needed("internal_jwks"))
    verifier = Verifier(module.name, known, narrows=module.narrows, teams=module.teams, company=module.company)
    metrics = Metrics(module.name)
    feed = _feed(module, settings)
    subgraph = _Subgraph(module, engine, metrics, clock, settings, feed)
    web = module.web(settings, engine, clock) if module.web else ()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await inspect_walls(module.name, engine)
        try:
            async with feed.running() if feed else contextlib.nullcontext():
                yield
        finally:
            await engine.dispose()

    return Starlette(
        routes=[
            Route("/graphql", Verified(InTime(subgraph), verifier, metrics), methods=["POST"]),
            *health.routes(engine),
            *web,
            *_internal(module, settings, engine, clock, lambda app: Verified(app, verifier, metrics)),
            metrics.route(),
        ],
        lifespan=lifespan,
    )


def _feed(module: Module, settings: Settings) -> Feed | None:
    if (module.subscription is None and not module.long_jobs) or settings.amqp_url is None:
        return None
    heard = (*module.events, *(JOBS.values() if module.long_jobs else ()))
    return Feed(broker.at(settings.needed("amqp_url")), module.name, tuple(event.type for event in heard))


def _internal(
    module: Module, settings: Settings, engine: AsyncEngine, clock: Clock, verified: Callable[[ASGIApp], ASGIApp]
) -> list[BaseRoute]:
    if module.internal is None:
        return []
    inside = Router(module.internal(settings, engine, clock))
    return [Mount("/internal", verified(_ForThePlatform(inside)))]


class _ForThePlatform:
    """Lets the platform itself pass, and nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 here, or pass the request on."""
        caller: Caller = scope["psa.caller"]
        await (self._app if caller.kind == "SYSTEM" else _unauthenticated())(scope, receive, send)


async def inspect_walls(module: str, engine: AsyncEngine) -> None:
    """Raise `Breached` with everything that `tenancy.breaches` finds for this role."""
    async with engine.connect() as connection:
        breaches = await tenancy.breaches(connection)
    if breaches:
        raise Breached(module, breaches)


class Verified:
    """Lets a request pass when the router vouches for its caller, and answers 401 otherwise."""

    def __init__(self, app: ASGIApp, verifier: Verifier, metrics: Metrics) -> None:
        self._app = app
        self._verifier = verifier
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 here, or call the subgraph with the caller in the scope."""
        headers = Headers(scope=scope)
        correlation = headers.get("x-request-id")
        try:
            caller = await self._verifier.caller(_bearer(headers), correlation=correlation)
        except NotVerified as error:
            _log.info("caller.not_verified", reason=str(error), correlation=correlation)
            await _unauthenticated()(scope, receive, send)
            return
        with (
            self._metrics.request(),
            structlog.contextvars.bound_contextvars(
                tenant=str(caller.tenant), caller=str(caller.subject), correlation=correlation
            ),
        ):
            await self._app({**scope, "psa.caller": caller}, receive, send)


def _bearer(headers: Headers) -> str:
    shown = headers.getlist("authorization")
    kind, _, token = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not token:
        raise NotVerified("there is no bearer token")
    return token


def _say_replayed(response: Response | WebSocket) -> None:
    if isinstance(response, Response):
        response.headers["idempotent-replayed"] = "true"


def _unauthenticated() -> Response:
    error = {"message": "This service answers only the router.", "extensions": {"code": "UNAUTHENTICATED"}}
    return JSONResponse({"errors": [error]}, status_code=401, headers={"WWW-Authenticate": "Bearer"})


class _Subgraph(GraphQL[Context, None]):
    """Strawberry's view of GraphQL over HTTP, with our context and no page of its own."""

    def __init__(
        self,
        module: Module,
        engine: AsyncEngine,
        metrics: Metrics,
        clock: Clock,
        settings: Settings,
        feed: Feed | None,
    ) -> None:
        super().__init__(
            graph.schema(module),
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_SSE_PROTOCOL,),
        )
        self._feed = feed
        self._module = module
        self._engine = engine
        self._metrics = metrics
        self._clock = clock
        self._refusals = Refusals()
        self._settings = settings

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Count an answer with errors."""
        if result.errors:
            self._metrics.failed()
        return await super().process_result(request, result)

    def encode_json(self, data: object) -> str | bytes:
        """Write an answer; what only Python's own writer can write (numbers of any length, half a character) it writes, slowly."""
        try:
            return orjson.dumps(data)
        except TypeError:
            return super().encode_json(data)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """What the resolvers of this request may use."""
        caller: Caller = request.scope["psa.caller"]
        key = request.headers.get("idempotency-key")
        return Context(
            caller,
            self._engine,
            self._module.name,
            idempotency_key=key,
            replayed=partial(_say_replayed, response),
            clock=self._clock,
            feed=self._feed,
            refusals=self._refusals,
            settings=self._settings,
        )
