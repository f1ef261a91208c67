"""Puts together what carries streams: the wires towards subgraphs as the settings say, and the doors towards clients."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import httpx2
from starlette.routing import BaseRoute, WebSocketRoute

from router.executor.stream_callback import Callbacks, CallbackStream
from router.executor.stream_sse import EventStream, HttpByteStream, InProcessByteStream
from router.executor.stream_websocket import WebSocketStream
from router.executor.streams import ByService, Stream, StreamRequest
from router.executor.transport import IN_PROCESS, ASGIApp, Exchange
from router.server import callback
from router.server.config import RouterConfig
from router.server.http_streams import Streams
from router.server.metrics import Metrics
from router.server.pipeline import Pipeline
from router.server.presence import Presence
from router.server.reload import Graphs
from router.server.subscriptions import Subscriptions
from router.server.websocket import Doors, GraphQLOverWebSocket

WEBSOCKET_PATHS = ("/graphql", "/ws")


@dataclass(frozen=True, slots=True)
class Live:
    """All that is needed for answers that go on."""

    subscriptions: Subscriptions
    presence: Presence
    callbacks: Callbacks
    routes: tuple[BaseRoute, ...]
    _client: httpx2.AsyncClient

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
            await self._client.aclose()


def live(
    config: RouterConfig,
    pipeline: Pipeline,
    graphs: Graphs,
    metrics: Metrics,
    exchange: Exchange,
    in_process: Mapping[str, ASGIApp],
) -> Live:
    """Build it from the settings; `exchange` carries the single requests of the callback protocol."""
    # Connections of their own, as many as there are streams: fetches must not wait until a stream ends.
    tls = ssl.create_default_context(cafile=config.subgraphs.ca_file)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    client = httpx2.AsyncClient(limits=limits, timeout=None, trust_env=False, verify=tls)
    callbacks = Callbacks()
    streams = ByService(_Wires(config, client, tls, exchange, in_process, callbacks).of)
    subscriptions = Subscriptions(config, pipeline, graphs, streams, metrics)
    presence = Presence(config.subscriptions.max_connections)
    doors = GraphQLOverWebSocket(Doors(pipeline, subscriptions, presence))
    routes: list[BaseRoute] = [WebSocketRoute(path, doors) for path in WEBSOCKET_PATHS]
    if config.subscriptions.mode.callback is not None:
        routes.append(callback.route(callbacks, config.subscriptions.mode.callback.path, config.subgraphs.answer_bytes))
    return Live(subscriptions, presence, callbacks, tuple(routes), client)


class _Wires:
    """Which subgraph streams in which way."""

    def __init__(
        self,
        config: RouterConfig,
        client: httpx2.AsyncClient,
        tls: ssl.SSLContext,
        exchange: Exchange,
        in_process: Mapping[str, ASGIApp],
        callbacks: Callbacks,
    ) -> None:
        self._mode = config.subscriptions.mode
        self._tls = tls
        self._exchange = exchange
        self._callbacks = callbacks
        self._max = config.subgraphs.answer_bytes
        self._http = EventStream(HttpByteStream(client), max_event_bytes=self._max)
        self._inside = EventStream(InProcessByteStream(in_process), max_event_bytes=self._max)
        self._by_name = cache(self._made)

    def of(self, request: StreamRequest) -> Stream:
        """Return the wire for a request: inside of this process there is only one."""
        if request.url.startswith(f"{IN_PROCESS}:") and not self._calls_back(request.service):
            return self._inside
        return self._by_name(request.service)

    def _calls_back(self, service: str) -> bool:
        return self._mode.callback is not None and service in self._mode.callback.subgraphs

    def _made(self, service: str) -> Stream:
        back, through = self._mode.callback, self._mode.passthrough
        if back is not None and service in back.subgraphs:
            return CallbackStream(
                self._exchange, self._callbacks, public_url=back.public_url, heartbeat_seconds=back.heartbeat_interval
            )
        way = through.subgraphs.get(service, through.all)
        if way is None or way.protocol == "sse":
            return self._http
        return WebSocketStream(
            max_event_bytes=self._max, path=way.path, heartbeat_seconds=way.heartbeat_interval, tls=self._tls
        )
