"""The processes of a module: what each verb of `python -m subgraphs <name> <verb>` runs until it is told to stop.

    serve      answers GraphQL, and keeps the module registered with the router
    relay      carries events from the outbox to the broker
    consume    reacts to events of other modules
    work       runs jobs whose time has come

They may run alone, or several in one process; production gives each a unit of its own. Where the whole platform runs in
one process, `background` is all but the first, and the application is mounted in the router.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib.metadata
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import uvicorn
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from subgraphs.kit import (
    app,
    archivist,
    broker,
    ending,
    graph,
    inbox,
    jobs,
    joined,
    progress,
    references,
    registration,
    relay,
    sealing,
    work,
)
from subgraphs.kit.broker import Broker
from subgraphs.kit.clock import Clock, now
from subgraphs.kit.config import Settings
from subgraphs.kit.database import engine as connect
from subgraphs.kit.inbox import Begin, Consumer
from subgraphs.kit.module import Module

STOP_SECONDS = 10
VERSION = importlib.metadata.version("psa-platform")

R = TypeVar("R")
Verb = Callable[[Module, Settings], Awaitable[None]]


async def serve(module: Module, settings: Settings) -> None:
    """Answer requests until cancelled; those that are being answered then are finished first."""
    answering = app.build(module, settings)
    _settle()
    server = _Server(
        uvicorn.Config(
            answering,
            host=settings.listen_host,
            port=settings.listen_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            http=joined.Protocol,
        )
    )
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(_until_cancelled(server))
        announcing = group.create_task(_announce(module, settings, server))
        await serving
        announcing.cancel()


async def relay_events(module: Module, settings: Settings) -> None:
    """Carry events from the outbox to the broker until cancelled."""
    await relay.run(settings.needed("database_relay_url"), broker.at(settings.needed("amqp_url")), module.name)


async def consume_events(module: Module, settings: Settings) -> None:
    """React to events of other modules until cancelled, and keep those that cannot be handled; without consumers just wait."""
    if not consumers(module):
        await asyncio.Event().wait()
    over = broker.at(settings.needed("amqp_url"))
    async with _begin(module, settings) as begin, asyncio.TaskGroup() as group:
        group.create_task(inbox.consume(over, module.name, consumers(module), begin))
        group.create_task(archivist.archive(over, module.name, begin))


async def run_jobs(module: Module, settings: Settings) -> None:
    """Run jobs whose time has come until cancelled."""
    tasks = (*module.jobs, *progress.tasks(module.long_jobs))
    async with _begin(module, settings) as begin:
        await jobs.work(settings.needed("database_relay_url"), module.name, tasks, begin)


VERBS: Mapping[str, Verb] = MappingProxyType(
    {"serve": serve, "relay": relay_events, "consume": consume_events, "work": run_jobs}
)


def consumers(module: Module) -> tuple[Consumer, ...]:
    """All consumers of the module: its own, and the one that keeps what it knows of other modules up to date."""
    return (*module.consumers, *references.consumers(module.references))


async def declare_queues(modules: Sequence[Module], over: Broker) -> None:
    """Make the queues of these modules before anything is published, so that no event comes too early."""
    await over.declare(*(consumer.queue(module.name) for module in modules for consumer in consumers(module)))


async def background(module: Module, settings: Settings) -> None:
    """Relay, consume and work in one task until cancelled."""
    async with asyncio.TaskGroup() as group:
        for verb in (relay_events, consume_events, run_jobs):
            group.create_task(verb(module, settings), name=f"{module.name}.{verb.__name__}")


def run(doing: Coroutine[Any, Any, R]) -> R:
    """Run it to its end, on the quickest loop that there is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(doing)


def _settle() -> None:
    """Take what is alive now for what stays: the collector need not look through schema and mappings again and again.

    One answer of a thousand rows is more objects than it usually waits for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def until_told(module: Module, settings: Settings, verbs: Sequence[str]) -> None:
    """Run the verbs until one fails, or until SIGTERM or SIGINT says that it is enough; raises `Misconfigured` before."""
    if module.seals and set(verbs) - {"relay"}:
        sealing.of(settings)
    running = asyncio.ensure_future(_all(module, settings, verbs))
    told = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, told.set)
    telling = asyncio.ensure_future(told.wait())
    await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if told.is_set():
        ending.certain()
        await ending.cancelled(running)
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _all(module: Module, settings: Settings, verbs: Sequence[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for verb in verbs:
            group.create_task(_forever(VERBS[verb](module, settings)), name=f"{module.name}.{verb}")


async def _forever(running: Awaitable[None]) -> None:
    await running
    raise Stopped("it ended although nobody asked it to")


class Stopped(Exception):
    """A process that should run for ever has come to an end."""


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the process has one owner, and it is not the server."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so to whoever waits for it."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - uvicorn's signature
        """Leave signals alone."""
        yield

    @property
    def port(self) -> int:
        """The port that it really listens on."""
        return int(self.servers[0].sockets[0].getsockname()[1])


async def _until_cancelled(server: _Server) -> None:
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    if not server.started:
        raise Stopped("the server could not start; the lines above say why")


async def _announce(module: Module, settings: Settings, server: _Server) -> None:
    if settings.router_url is None:
        return
    await server.listening.wait()
    url = settings.public_url or f"http://{settings.listen_host}:{server.port}"
    announcement = registration.Announcement(module.name, f"{url}/graphql", VERSION, graph.sdl(module))
    await registration.announce(announcement, router_url=settings.router_url, token=settings.needed("registry_token"))


@contextlib.asynccontextmanager
async def _begin(module: Module, settings: Settings, *, clock: Clock = now) -> AsyncIterator[Begin]:
    """How work begins that no request asked for: as the runtime role, behind the same walls."""
    engine: AsyncEngine = connect(
        settings.needed("database_url"), application=f"psa-{module.name}", pool_size=settings.database_pool
    )
    try:
        await app.inspect_walls(module.name, engine)
        yield functools.partial(work.begin, engine, module=module.name, clock=clock, settings=settings)
    finally:
        await engine.dispose()
