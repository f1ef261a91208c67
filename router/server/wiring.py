"""Puts together what carries streams: the wires towards subgraphs as the settings say, and the doors towards clients."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, WebSocketRoute

from router.executor.stream_callback import Callbacks, CallbackStream
from router.executor.stream_sse import EventStream, HttpByteStream, InProcessByteStream
from router.executor.stream_websocket import WebSocketStream
from router.executor.streams import ByService, Stream, StreamRequest
from router.executor.transport import IN_PROCESS, ASGIApp, Exchange
from router.later import later
from router.server import callback
from router.server.access_log import Begin, End
from router.server.config import RouterConfig
from router.server.http_streams import Streams
from router.server.metrics import Metrics
from router.server.pipeline import Pipeline
from router.server.presence import Presence
from router.server.reload import Graphs
from router.server.sse_single import SingleConnections
from router.server.subscriptions import Subscriptions
from router.server.tracing import Trace
from router.server.websocket import Doors, GraphQLOverWebSocket

if TYPE_CHECKING:
    import httpx2
else:
    httpx2 = later("httpx2")

WEBSOCKET_PATHS = ("/graphql", "/ws")


@dataclass(frozen=True, slots=True)
class Live:
    """All that is needed for answers that go on."""

    subscriptions: Subscriptions
    presence: Presence
    callbacks: Callbacks
    routes: tuple[BaseRoute, ...]
    _wires: _Wires
    _doors: Doors

    def over_http(self, app: ASGIApp) -> ASGIApp:
        """Put the mode with a single event stream in front of GraphQL over HTTP."""
        return SingleConnections(app, self._doors)

    @property
    def streams(self) -> Streams:
        """The door over HTTP."""
        return Streams(self.subscriptions, self.presence)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer subscriptions during the block; at its end nobody is left, here or at the subgraphs."""
        try:
            async with self.subscriptions.running():
                yield
                await self.presence.dismiss()
        finally:
            await self._wires.close()


def live(
    config: RouterConfig,
    pipeline: Pipeline,
    graphs: Graphs,
    metrics: Metrics,
    exchange: Exchange,
    in_process: Mapping[str, ASGIApp],
    *,
    begin: Begin = Trace.of,
    end: End | None = None,
) -> Live:
    """Build it from the settings; `exchange` carries the single requests of the callback protocol."""
    callbacks = Callbacks()
    wires = _Wires(config, exchange, in_process, callbacks)
    subscriptions = Subscriptions(config, pipeline, graphs, ByService(wires.of), metrics)
    presence = Presence(config.subscriptions.max_connections)
    doors = Doors(pipeline, subscriptions, presence, begin, end)
    routes: list[BaseRoute] = [WebSocketRoute(path, GraphQLOverWebSocket(doors)) for path in WEBSOCKET_PATHS]
    if config.subscriptions.mode.callback is not None:
        routes.append(callback.route(callbacks, config.subscriptions.mode.callback.path, config.subgraphs.answer_bytes))
    return Live(subscriptions, presence, callbacks, tuple(routes), wires, doors)


class _Wires:
    """Which subgraph streams in which way, and the connections for it."""

    def __init__(
        self, config: RouterConfig, exchange: Exchange, in_process: Mapping[str, ASGIApp], callbacks: Callbacks
    ) -> None:
        self._config = config
        self._mode = config.subscriptions.mode
        self._exchange = exchange
        self._callbacks = callbacks
        self._inside = EventStream(InProcessByteStream(in_process), max_event_bytes=config.subgraphs.answer_bytes)
        self._by_name = cache(self._made)
        self._clients: list[httpx2.AsyncClient] = []

    def of(self, request: StreamRequest) -> Stream:
        """Return the wire for a request: inside of this process there is only one."""
        if request.url.startswith(f"{IN_PROCESS}:") and not self._calls_back(request.service):
            return self._inside
        return self._by_name(request.service)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.aclose()

    def _calls_back(self, service: str) -> bool:
        return self._mode.callback is not None and service in self._mode.callback.subgraphs

    def _made(self, service: str) -> Stream:
        back, through = self._mode.callback, self._mode.passthrough
        if back is not None and service in back.subgraphs:
            return CallbackStream(
                self._exchange, self._callbacks, public_url=back.public_url, heartbeat_seconds=back.heartbeat_interval
            )
        way, tls = through.subgraphs.get(service, through.all), self._tls(service)
        most = self._config.answer_bytes(service)
        if way is None or way.protocol == "sse":
            return EventStream(HttpByteStream(self._client(tls)), max_event_bytes=most)
        return WebSocketStream(max_event_bytes=most, path=way.path, heartbeat_seconds=way.heartbeat_interval, tls=tls)

    def _tls(self, service: str) -> ssl.SSLContext:
        settings = self._config.tls.subgraph.of(service)
        tls = ssl.create_default_context(cafile=settings.certificate_authorities or self._config.subgraphs.ca_file)
        if ours := settings.client_authentication:
            tls.load_cert_chain(ours.certificate_chain, ours.key)
        return tls

    def _client(self, tls: ssl.SSLContext) -> httpx2.AsyncClient:
        # Connections of their own, as many as there are streams: fetches must not wait until a stream ends.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        client = httpx2.AsyncClient(limits=limits, timeout=None, trust_env=False, verify=tls)
        self._clients.append(client)
        return client
