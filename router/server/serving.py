"""The process around the application: addresses, signals, files that change, and an end that drops nobody.

SIGTERM, SIGINT    not ready → (delay) → no new connections → requests finish, until the deadline → gone
SIGHUP             settings and supergraph are read again; what is wrong keeps what there is
hot_reload         the same whenever one of the files changes
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette

from router.federation.supergraph import InvalidSupergraph
from router.later import later
from router.server.app import build, composed
from router.server.config import Misconfigured, Read, RouterConfig
from router.server.farewell import Farewell
from router.server.health import Ending
from router.server.memory import Tidying, settle
from router.server.production import refuse_incomplete
from router.server.side_doors import opened
from router.server.swap import Swappable
from router.server.watch import look, watch
from router.server.wire import guarded

if TYPE_CHECKING:
    from router.composition import command
else:
    command = later("router.composition.command")

log = structlog.get_logger(__name__)

Reading = Callable[[], Read]
"""Reads the settings anew, from wherever they come; raises `Misconfigured`."""


class Serving:
    """One router as a process."""

    def __init__(self, reading: Reading, config_file: Path | None) -> None:
        self._reading = reading
        self._config_file = config_file
        self._ending = Ending()
        # Looked at before they are read: what changes meanwhile has to be noticed, too.
        first = look([config_file] if config_file else [])
        read = reading()
        _say(read)
        self.config = read.config
        self._seen = first + look(_sources(self.config))
        refuse_incomplete(self.config)
        app = build(self.config, ending=self._ending)
        self._tidying = Tidying()
        self._tidying.after_swaps_of(app.state.graphs)
        self.swappable = Swappable(app, retire_seconds=self.config.shutdown.deadline_seconds)
        self._reloading = asyncio.Lock()

    def run(self) -> None:
        """Serve until a signal ends it."""
        settle()
        delay = self.config.shutdown.delay_seconds
        server = _Server(_uvicorn(self.config, self.swappable), self._ending, delay, self._dismiss)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(self._serve(server))

    async def _dismiss(self) -> None:
        await self.swappable.app.state.live.presence.dismiss()

    async def _serve(self, server: _Server) -> None:
        async with self._watching(), opened(self.config, self.swappable):
            await server.serve()

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            hangups: set[asyncio.Task[None]] = set()

            def hung_up() -> None:
                task = group.create_task(self.reload())
                hangups.add(task)
                task.add_done_callback(hangups.discard)

            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(signal.SIGHUP, hung_up)
            watching = (
                group.create_task(watch(self._files, self.reload, self._seen)) if self.config.hot_reload else None
            )
            try:
                yield
            finally:
                if watching:
                    watching.cancel()
                with contextlib.suppress(NotImplementedError, ValueError):
                    loop.remove_signal_handler(signal.SIGHUP)

    def _files(self) -> list[Path]:
        own = [self._config_file] if self._config_file else []
        return own + _sources(self.swappable.app.state.config)

    async def reload(self) -> None:
        """Read settings and supergraph again; what is wrong is said, and changes nothing."""
        async with self._reloading:
            try:
                read = await asyncio.to_thread(self._reading)
                if read.config == self.swappable.app.state.config:
                    await self._reload_supergraph(read.config)
                    return
                await self._take(read)
            except (Misconfigured, InvalidSupergraph, OSError) as fault:
                log.error("settings.kept_old", reason=str(fault))  # noqa: TRY400 - the reason says it all

    async def _take(self, read: Read) -> None:
        before = self.swappable.app.state
        refuse_incomplete(read.config)
        app: Starlette = await asyncio.to_thread(build, read.config, ending=self._ending, inherit=before)
        _say(read)
        if read.config.listen != self.config.listen or read.config.tls != self.config.tls:
            log.warning("settings.need_restart", settings=["listen", "tls"])
        await app.state.graphs.warm_up(before.graphs)
        await self.swappable.swap(app)
        self._tidying.after_swaps_of(app.state.graphs)
        self._tidying.soon()
        log.info("settings.reloaded")

    async def _reload_supergraph(self, config: RouterConfig) -> None:
        state = self.swappable.app.state
        if config.supergraph_file is not None:
            file = config.supergraph_file
            text = await asyncio.to_thread(file.read_text, encoding="utf-8")
        elif config.subgraphs_file is not None:
            file = config.subgraphs_file
            text = await asyncio.to_thread(composed, file, state.registry)
        else:
            return
        if text != state.graphs.sdl:
            await state.graphs.load(text)
            log.info("supergraph.reloaded", file=str(file))


class _Server(Farewell):
    """Tells load balancers first, and ends then."""

    def __init__(
        self, config: uvicorn.Config, ending: Ending, delay_seconds: float, dismiss: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config, dismiss)
        self._ending = ending
        self._delay_seconds = delay_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: the first one ends us in order, and well; the second one at once."""
        del sig, frame
        if self._ending.begun:
            self.force_exit = True
            self.should_exit = True
            return
        self._ending.begun = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._delay_seconds, self._end)

    def _end(self) -> None:
        self.should_exit = True


def _uvicorn(config: RouterConfig, app: Swappable) -> uvicorn.Config:
    tls = config.tls.supergraph
    mutual = tls is not None and tls.client_certificate_authorities is not None
    return uvicorn.Config(
        app,
        host=config.listen.host,
        port=config.listen.port,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        http=guarded(config, lambda: app.running),
        proxy_headers=False,  # whose word is taken about clients, `listen.trusted_proxies` says
        timeout_graceful_shutdown=int(config.shutdown.deadline_seconds),
        ws_max_size=config.limits.body_bytes,
        ssl_certfile=tls.certificate_chain if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(tls.client_certificate_authorities) if tls and mutual else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE,
    )


def _sources(config: RouterConfig) -> list[Path]:
    """The files from which the supergraph comes."""
    if config.supergraph_file is not None:
        return [config.supergraph_file]
    return command.files(config.subgraphs_file) if config.subgraphs_file is not None else []


def _say(read: Read) -> None:
    for note in read.notes:
        log.warning("settings.without_effect", note=note)
