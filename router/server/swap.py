"""An application that can be replaced while it's used: other settings without a dropped connection.

A request stays with the application that it came to. The old one ends when the last of its requests has, or when its time is
up, whichever is first.
"""

from __future__ import annotations

import asyncio

import structlog
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from router.server.express import Express
from router.server.presence import Parting

log = structlog.get_logger(__name__)


class Running:
    """An application between its start and its end; both happen in one task of its own."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self.express: Express = app.state.express
        self._requests = 0
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        try:
            async with self.app.router.lifespan_context(self.app):
                self._started.set_result(None)
                await self._stop.wait()
        except BaseException as fault:
            if self._started.done():
                raise
            self._started.set_exception(fault)

    async def started(self) -> None:
        """Wait until it can answer; raises what kept it from starting."""
        await self._started

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.begin()
        try:
            await self.app(scope, receive, send)
        finally:
            self.end()

    def begin(self) -> None:
        """Count a request in."""
        self._requests += 1
        self._idle.clear()

    def end(self) -> None:
        """Count it out."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()

    async def retire(self, seconds: float) -> None:
        """End it, after its last request if that is soon; what would never end is told to come again."""
        await self.app.state.live.presence.dismiss(Parting.RELOADED)
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("settings.old_ended_early", requests=self._requests)
        await self.stop()

    async def stop(self) -> None:
        """End it now."""
        self._stop.set()
        await self._task


class Swappable:
    """The ASGI application that stays, whatever application is behind it."""

    def __init__(self, app: Starlette, *, retire_seconds: float) -> None:
        self.app = app
        self._retire_seconds = retire_seconds
        self._running: Running | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the application of the moment."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._running is not None:
            await self._running.answer(scope, receive, send)

    @property
    def running(self) -> Running | None:
        """The application of the moment."""
        return self._running

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._running = Running(self.app)
            await self._running.started()
        except Exception as fault:
            log.exception("startup.failed")
            await send({"type": "lifespan.startup.failed", "message": str(fault)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._running.stop()
        for task in list(self._retiring):
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def swap(self, app: Starlette) -> None:
        """Start another application, then let it answer; if it doesn't start, all stays as it is."""
        following = Running(app)
        await following.started()
        before, self._running, self.app = self._running, following, app
        if before is not None:
            task = asyncio.create_task(before.retire(self._retire_seconds))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
