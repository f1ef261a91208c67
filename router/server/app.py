"""Puts the router together: settings in, an ASGI application out. Nothing here decides anything."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from router.executor.caching.declared import Declared
from router.executor.transport import ASGIApp, ByScheme, InProcessExchange, Transport
from router.explorer import page
from router.federation.supergraph import InvalidSupergraph
from router.later import later
from router.registry.registry import Registration, Registry
from router.server import (
    cache_invalidation,
    explorer_data,
    forwarding,
    health,
    registration,
    registry_admin,
    rest,
    wiring,
)
from router.server.access_log import Observed, Observer
from router.server.authorization import BadHook
from router.server.cache_events import Inside
from router.server.compression import Compressed
from router.server.config import Misconfigured, RouterConfig
from router.server.config.jwt import Jwt
from router.server.cors import CrossOrigin
from router.server.documents import Gate
from router.server.express import Express
from router.server.health import Ending
from router.server.http import GraphQLOverHTTP
from router.server.limits import Warden
from router.server.manifests import BadManifest
from router.server.metrics import Metrics
from router.server.override_labels import Draw
from router.server.pipeline import Identity, Pipeline
from router.server.presence import Presence
from router.server.rate_limit import RateLimiter
from router.server.reload import Graphs
from router.server.response_cache import ResponseCache
from router.server.revocations import EVERY_SECONDS
from router.server.traffic import Connections
from router.server.windows import LocalWindows, SharedWindows

if TYPE_CHECKING:
    from router.composition import command
    from router.server import audit_log, hooks, mcp_endpoint, spans
    from router.server.authentication import Minter  # at run time it brings all of cryptography along
else:
    command = later("router.composition.command")
    audit_log = later("router.server.audit_log")
    hooks = later("router.server.hooks")
    mcp_endpoint = later("router.server.mcp_endpoint")
    spans = later("router.server.spans")

log = structlog.get_logger(__name__)


def build(
    config: RouterConfig,
    *,
    in_process: MutableMapping[str, ASGIApp] | None = None,
    draw: Draw = random.random,
    ending: Ending | None = None,
    inherit: State | None = None,
    events: Inside | None = None,
) -> Starlette:
    """Assemble a router.

    `in_process` are the subgraphs that run in this process, by the host of their `inprocess://` URL; take one out and it's
    unavailable, put it back and it's there. `.state.registry` is the `Registry`, `.state.public_keys()` the key set
    with which subgraphs verify who asks, `.state.live` whoever is connected for longer. `draw` decides which requests are
    among the share of a `percent(N)` label. `inherit` is the state of a router that this one takes over from with other
    settings: who registered there is known here. `events` opens a session at the broker of this process, if there is one.
    """
    subgraphs = config.subgraphs
    inside = InProcessExchange({} if in_process is None else in_process, max_answer_bytes=subgraphs.answer_bytes)
    connections = Connections(config, inside)
    metrics = Metrics(config.telemetry.exporters.metrics)
    gate = _gate(config, Warden(config.limits, metrics.limit))
    traces = _spans(config)
    hooked = _hooks(config)
    audit = _audit(config)
    transport = _watched(connections.transport(metrics.subgraph_event), traces, hooked)
    graphs = Graphs(config, transport, gate)
    cache = _cache(config, metrics, graphs, hooked, events)
    registry = registration.registry(config.registry, graphs.load, inherit.registry if inherit else None)
    _start(config, graphs, registry, inherit)
    identity = _identity(config, connections.exchange(), registry, _kept_key(config, inherit))
    windows = _windows(config)
    limiter = RateLimiter(
        config.rate_limit,
        windows,
        tokens_are_accepted=identity is not None,
        of_all=config.traffic_shaping.router.global_rate_limit,
    )
    pipeline = _pipeline(config, graphs, identity, metrics, limiter, draw, hooked, audit, cache)
    pipeline.seen = registry.seen
    watching = traces.watching if traces else {}
    live = wiring.live(config, pipeline, graphs, metrics, connections.exchange(), inside.apps, **watching)
    over_http = GraphQLOverHTTP(pipeline, live.streams)
    assistants = _assistants(config, over_http, pipeline, graphs)
    observer = Observer(
        metrics,
        access_log=config.access_log,
        trusted_proxies=config.listen.trusted_proxies,
        shown_id=config.telemetry.exporters.tracing.experimental_response_trace_id,
        **watching,
    )

    def public_keys() -> dict[str, Any]:
        return identity.minter.public_keys() if identity and identity.minter else {"keys": []}

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            async with (
                pipeline.persisted.running(),
                cache.running() if cache else nullcontext(),
                live.running(),
                assistants.running() if assistants else nullcontext(),
                _looking_for_revoked(identity, live.presence),
            ):
                yield
        finally:
            await connections.close()
            await windows.close()
            await registry.save()
            await _closed(audit, metrics, traces)

    app = Starlette(
        routes=[
            *_graphql(config.listen.path, live.over_http(over_http), page_there=config.explorer.enabled),
            *live.routes,
            *forwarding.routes(registry, connections.exchange, config.listen.trusted_proxies),
            *rest.routes(over_http, pipeline, graphs),
            *(assistants.routes() if assistants else ()),
            *registration.routes(registry, config.registry.token, public_keys),
            *registry_admin.routes(registry, config.registry.token),
            *cache_invalidation.routes(cache),
            *(health.routes(graphs, ending or Ending(), config.health.path) if config.health.enabled else ()),
            *_metrics(config, metrics),
            *((*explorer_data.routes(pipeline, graphs, registry), *page.routes()) if config.explorer.enabled else ()),
        ],
        middleware=[
            Middleware(Observed, observer=observer),
            Middleware(CrossOrigin, settings=config.cors),
            Middleware(Compressed, settings=config.compression),
        ],
        lifespan=lifespan,
    )
    if inherit:
        registry.publish_to(graphs.load)
    app.state.config = config
    app.state.identity = identity
    app.state.registry = registry
    app.state.graphs = graphs
    app.state.public_keys = public_keys
    app.state.live = live
    app.state.response_cache = cache
    app.state.express = Express(over_http, observer, live.streams)
    return app


def _metrics(config: RouterConfig, metrics: Metrics) -> list[Route]:
    settings = config.metrics
    return metrics.routes(settings.path, only_beside=settings.listen is not None) if settings.enabled else []


async def _closed(*told: audit_log.AuditLog | Metrics | spans.Spans | None) -> None:
    """Let those who tell others say their last words, which takes as long as the others do."""
    for one in told:
        if one is not None:
            await asyncio.to_thread(one.close)


@asynccontextmanager
async def _looking_for_revoked(identity: Identity | None, presence: Presence) -> AsyncIterator[None]:
    if identity is None:
        yield
        return
    looking = asyncio.create_task(
        presence.look_for_revoked(identity.authenticator.taken_back, EVERY_SECONDS), name="look-for-revoked"
    )
    try:
        yield
    finally:
        looking.cancel()


def _spans(config: RouterConfig) -> spans.Spans | None:
    """Where traces go, if anywhere: then only is all of it imported."""
    tracing = config.telemetry.exporters.tracing
    return spans.Spans.of(tracing) if tracing.otlp.enabled else None


def _hooks(config: RouterConfig) -> hooks.Hooks | None:
    """Import the functions that the settings name, if any."""
    if not config.hooks:
        return None
    try:
        return hooks.Hooks.of(config.hooks)
    except hooks.BadHooks as fault:
        raise Misconfigured(f"hooks: {fault}") from fault


def _audit(config: RouterConfig) -> audit_log.AuditLog | None:
    try:
        return audit_log.AuditLog(config.audit) if config.audit.enabled else None
    except OSError as fault:
        raise Misconfigured(f"audit.file: {fault}") from fault


def _watched(transport: Transport, traces: spans.Spans | None, hooked: hooks.Hooks | None) -> Transport:
    if traces is not None:
        transport = traces.traced(transport)
    return transport if hooked is None else hooks.HookedTransport(transport, hooked)


def _assistants(
    config: RouterConfig, wire: GraphQLOverHTTP, pipeline: Pipeline, graphs: Graphs
) -> mcp_endpoint.Endpoint | None:
    """The door for assistants, if it is open: then only is all of it imported."""
    if not config.mcp.enabled:
        return None
    try:
        return mcp_endpoint.Endpoint(config, wire, pipeline, graphs)
    except ImportError as fault:
        raise Misconfigured("mcp.enabled: it needs what the extra `mcp` installs") from fault
    except BadManifest as fault:
        raise Misconfigured(f"mcp.operations: {fault}") from fault


def _cache(
    config: RouterConfig, metrics: Metrics, graphs: Graphs, hooked: hooks.Hooks | None, events: Inside | None
) -> ResponseCache | None:
    if not config.response_cache.enabled:
        return None
    if hooked is not None and hooked.sees_fetches:
        # What is kept comes without a fetch: a hook that adds to fetches, or refuses them, would be passed by.
        raise Misconfigured(
            "response_cache: hooks that see fetches (on_subgraph_request, on_subgraph_response) exclude it"
        )

    def declared() -> Declared | None:
        return graphs.current.kept.declared if graphs.current and graphs.current.kept else None

    cache = ResponseCache(config, metrics.meter, declared, events)
    graphs.keeping = cache.kept
    return cache


def _gate(config: RouterConfig, warden: Warden) -> Gate:
    suggestions = config.introspection if config.field_suggestions is None else config.field_suggestions
    return Gate(warden, config.introspection, suggestions, config.redact_query_validation_errors)


def _windows(config: RouterConfig) -> LocalWindows | SharedWindows:
    redis = config.redis
    if redis.url is None:
        return LocalWindows()
    try:
        return SharedWindows(
            redis.url.get_secret_value(), timeout_seconds=redis.timeout_seconds, away_seconds=redis.retry_seconds
        )
    except ValueError as fault:
        raise Misconfigured(f"redis.url: {fault}") from fault


def _pipeline(
    config: RouterConfig,
    graphs: Graphs,
    identity: Identity | None,
    metrics: Metrics,
    limiter: RateLimiter,
    draw: Draw,
    hooked: hooks.Hooks | None,
    audit: audit_log.AuditLog | None,
    cache: ResponseCache | None,
) -> Pipeline:
    try:
        kind: type[Pipeline] = Pipeline if hooked is None else hooks.HookedPipeline
        make: Callable[..., Pipeline] = kind if audit is None else audit_log.audited(kind, audit)
        if hooked is not None:
            make = partial(make, hooked)
        pipeline = make(config, graphs, identity, metrics, limiter, draw)
    except BadHook as fault:
        raise Misconfigured(f"authorization.policies.hooks: {fault}") from fault
    except BadManifest as fault:
        raise Misconfigured(f"persisted_queries.local_manifests: {fault}") from fault
    pipeline.cache = cache
    return pipeline


def _kept_key(config: RouterConfig, inherit: State | None) -> Minter | None:
    """The key of the router before stays, so that what was signed holds; its ways to auth are closed, and made anew."""
    if inherit is None or inherit.identity is None or inherit.config.authentication != config.authentication:
        return None
    minter: Minter | None = inherit.identity.minter
    return minter


def _identity(
    config: RouterConfig, exchange: ByScheme, registry: Registry, kept: Minter | None = None
) -> Identity | None:
    settings = config.authentication
    if settings is None:
        return _foreign(config.jwt, exchange)
    # Only now, since it brings all of cryptography along: a router that asks nobody is ready sooner without.
    from router.server.api_keys import ApiKeys  # noqa: PLC0415
    from router.server.authentication import Authenticator, TrustedKeys, signing_key  # noqa: PLC0415
    from router.server.authentication import Minter as NewMinter  # noqa: PLC0415
    from router.server.revocations import Revocations  # noqa: PLC0415

    keys = TrustedKeys(settings.jwks, exchange, refetch_seconds=settings.refetch_seconds)
    try:
        minter = kept or NewMinter(signing_key(settings.signing_key_file))
    except (OSError, ValueError) as fault:
        raise Misconfigured(f"authentication.signing_key_file: {fault}") from fault
    own = minter.own_token

    def inside(path: str) -> str | None:
        base = forwarding.address(registry, "auth")
        return f"{base}/internal/{path}" if base else None

    revocations = Revocations(lambda: settings.revocations or inside("revocations"), exchange, own)
    api_keys = ApiKeys(lambda: settings.api_keys or inside("api-keys"), exchange, own)
    return Identity(Authenticator(settings, keys, revocations=revocations, api_keys=api_keys), minter)


def _foreign(settings: Jwt | None, exchange: ByScheme) -> Identity | None:
    if settings is None:
        return None
    from router.server.foreign_tokens import ForeignTokens, Trusted  # noqa: PLC0415 - as above

    return Identity(ForeignTokens(settings, [Trusted.of(one, exchange) for one in settings.jwks]), None)


def _graphql(path: str, answers: ASGIApp, *, page_there: bool = True) -> list[BaseRoute]:
    """Return the routes of GraphQL: its usual path, and another one, written as Apollo does (`/api/:version/*`)."""
    own = re.sub(r":(\w+)", r"{\1}", path).replace("*", "{rest:path}")
    if own == "/" and page_there:
        # The developers' page is there, too: whoever asks for a page gets that one.
        return [*_graphql("/graphql", answers), Route("/", answers, methods=["POST"])]
    # Examples of graphql-sse look for it at the second one.
    return [Route(name, answers) for name in dict.fromkeys(("/graphql", "/graphql/stream", own))]


def _start(config: RouterConfig, graphs: Graphs, registry: Registry, inherit: State | None) -> None:
    """Serve what is known before anything has announced itself."""
    try:
        inherited = inherit.graphs.sdl if inherit else None
        if config.supergraph_file is not None:
            graphs.load_now(config.supergraph_file.read_text(encoding="utf-8"))
        elif config.subgraphs_file is not None:
            graphs.load_now(composed(config.subgraphs_file, registry))
        elif inherited is not None:
            graphs.load_now(inherited)
        elif inherit is None:
            _restore(graphs, registry)
    except (OSError, InvalidSupergraph) as fault:
        raise Misconfigured(str(fault)) from fault


def composed(file: Path, registry: Registry) -> str:
    """Compose the subgraphs of a file; raises `Misconfigured` with all reasons why there is no supergraph."""
    try:
        sources = command.read(file)
    except command.UnreadableError as fault:
        raise Misconfigured(str(fault)) from fault
    found = registry.begin_with([Registration(source.name, source.url or "", "0", source.sdl) for source in sources])
    if not isinstance(found, str):
        raise Misconfigured("\n".join(f"{problem.code}: {problem.message}" for problem in found))
    return found


def _restore(graphs: Graphs, registry: Registry) -> None:
    kept = registry.restore()
    if kept is None:
        return
    try:
        graphs.load_now(kept)
    except InvalidSupergraph as fault:
        # Written by another version of ours: the modules announce themselves again within seconds.
        log.warning("registry.state_outdated", reason=fault.message)
        registry.forget()
