"""Addresses beside the main one, for those who only ask how we are, load balancers and Prometheus, or who invalidate what is kept.

They reach the same application, but only the paths that are meant for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from router.server.config import RouterConfig
from router.server.metrics import BESIDE
from router.server.wire import guarded

log = structlog.get_logger(__name__)

_HEALTH = frozenset({"/health", "/health/live", "/health/ready", "/readiness"})


class Only:
    """Lets pass what is asked at some paths."""

    def __init__(self, app: ASGIApp, paths: Iterable[str]) -> None:
        self._app = app
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that there is nothing."""
        if scope["type"] == "http" and scope["path"] in self._paths:
            await self._app({**scope, BESIDE: True}, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Not Found", 404)(scope, receive, send)


class _Beside(uvicorn.Server):
    """A server that leaves signals to the main one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@asynccontextmanager
async def opened(config: RouterConfig, app: ASGIApp) -> AsyncIterator[None]:
    """Serve at these addresses as well; one that is taken is said, and the rest goes on."""
    doors = _doors(config)
    async with asyncio.TaskGroup() as group:
        servers = [_server(config, address, Only(app, paths)) for address, paths in doors.items()]
        for server in servers:
            group.create_task(_serve(server))
        try:
            yield
        finally:
            for server in servers:
                server.should_exit = True


def _doors(config: RouterConfig) -> dict[str, set[str]]:
    doors: dict[str, set[str]] = {}
    asked = (
        (config.health.listen, {*_HEALTH, config.health.path}),
        (config.metrics.listen, {"/metrics", config.metrics.path}),
        (config.response_cache.invalidation.listen, {config.response_cache.invalidation.path}),
    )
    for address, paths in asked:
        if address is not None:
            doors[address] = doors.get(address, set()) | paths
    return doors


def _server(config: RouterConfig, address: str, app: ASGIApp) -> _Beside:
    host, _, port = address.rpartition(":")
    settings = uvicorn.Config(
        app,
        host=host.strip("[]") or "0.0.0.0",  # noqa: S104 - what `:8088` means
        port=int(port),
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        http=guarded(config),
    )
    return _Beside(settings)


async def _serve(server: _Beside) -> None:
    try:
        await server.serve()
    except SystemExit:
        log.error("address.taken", address=f"{server.config.host}:{server.config.port}")  # noqa: TRY400 - said by uvicorn
