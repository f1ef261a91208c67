"""The whole platform in one process: database, modules, router, and nothing that must be installed first.

    ./dev run ─► port ─► PostgreSQL ─► roles, schemas, migrations ─► modules ─► router ─► demo data ─► addresses
                 │        │                                          │  no sockets: the router calls them in process
                 │        └─ a child, kept running                   └─ with a relay, consumers and a worker each
                 └─ taken first, so that a taken one is told at once

Everything that production has is here, except that three addresses differ: the database is a child of ours, the broker
is tables in it, and the router reaches the modules without a network.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette

from deploy.local import accounts, hub, identity, schemas, serving
from deploy.local.children import Say
from deploy.local.home import Trouble
from deploy.local.postgres import embedded_postgres
from deploy.local.schemas import Schema
from router.registry.registry import Entry, Registration
from router.server.app import build as build_router
from router.server.cache_events import Inside
from router.server.config import PREFIX, Authentication, Misconfigured, RegistrySettings, RouterConfig, read
from router.server.memory import settle
from subgraphs import MODULES
from subgraphs.kit import app as module_app
from subgraphs.kit import broker, ending, graph, module, process
from subgraphs.kit.config import Settings
from subgraphs.kit.module import Module

# Three pools of this size per module must fit under max_connections, together with relays and brokers.
_POOL = 5


@dataclass(frozen=True, slots=True)
class Running:
    """A platform that answers."""

    url: str
    home: Path
    modules: Mapping[str, Settings]
    """What each module was told, for those who look after it by hand."""

    @property
    def auth(self) -> Settings:
        """What the module auth was told, for those who write its users down."""
        return self.modules["auth"]


@asynccontextmanager
async def in_one_process(
    home: Path, port: int, say: Say, without: frozenset[str] = frozenset()
) -> AsyncIterator[Running]:
    """Run the platform for the length of the block; modules in `without` are in the graph, but do not answer."""
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(serving.take(port))
        step = Steps(say)
        database = await stack.enter_async_context(embedded_postgres(home, say=say))
        step.done("PostgreSQL")
        admin_url = await schemas.create_database(database.admin_url)
        addresses = {name: await schemas.bring_up(admin_url, name) for name in MODULES}
        amqp_url = await schemas.bring_up_broker(admin_url)
        step.done(f"schemas of {', '.join(MODULES)}")
        origin = identity.remember_issuer(home, serving.port_of(listener))
        modules = {module.load(name): settings(home, name, addresses[name], amqp_url, origin) for name in MODULES}
        await accounts.make(home, modules[module.load("auth")])
        router = await _router(home, modules, stack, without, broker.at(amqp_url).listen)
        step.done("modules, and the graph that they are together")
        await process.declare_queues(list(modules), broker.at(amqp_url))
        ready = asyncio.Event()
        tasks = {
            manifest.name: process.background(manifest, settings)
            for manifest, settings in modules.items()
            if manifest.name not in without
        }
        tasks["router"] = serving.serve(router, listener, ready)
        await stack.enter_async_context(_running(tasks))
        await ready.wait()
        settle()
        step.done("router")
        yield Running(
            f"http://{serving.HOST}:{serving.port_of(listener)}",
            home,
            {one.name: told for one, told in modules.items()},
        )


class Steps:
    """Tells how far the start is, and what took how long."""

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._began = clock()

    def done(self, what: str) -> None:
        """Say that a step is done."""
        now = self._clock()
        self._say(f"✓ {what} ({now - self._began:.1f} s)")
        self._began = now


def router_config(home: Path, auth: str | None = None, **more: Any) -> RouterConfig:
    """The router's settings on this machine: who issues tokens here, and a key of its own that outlives it.

    `auth` is where the module auth answers; without it, the demo's own key is the only one that there is. Whatever else
    somebody wants to try is said as anywhere: `PSA_ROUTER_RESPONSE_CACHE='{"enabled": true}' ./dev run`.
    """
    identity.router_key(home)
    ours = {
        "authentication": Authentication(
            issuer=identity.issuer(home),
            audience=identity.AUDIENCE,
            jwks=f"{auth}/auth/jwks.json" if auth else str(identity.public_keys_file(home)),
            signing_key_file=identity.router_key_file(home),
        ),
        "expose_query_plan": True,
        **more,
    }
    said = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    try:
        return read(None, said, **ours)
    except Misconfigured as fault:
        raise Trouble(
            f"The settings of the router in the environment make no sense:\n{fault}",
            "unset what begins with PSA_ROUTER_, or see router/README.md",
        ) from fault


async def _router(
    home: Path, modules: Mapping[Module, Settings], stack: AsyncExitStack, without: frozenset[str], events: Inside
) -> Starlette:
    """Build the router around the modules' applications, and have it compose their graph."""
    inside: dict[str, Any] = {}
    auth = None if "auth" in without else "inprocess://auth"
    config = router_config(
        home, auth, access_log=False, registry=RegistrySettings(token=SecretStr(hub.registry_token(home)))
    )
    router = build_router(config, in_process=inside, events=events)

    async def keys() -> dict[str, Any]:
        known: dict[str, Any] = router.state.public_keys()
        return known

    for manifest, settings in modules.items():
        if manifest.name in without:
            continue
        app = module_app.build(manifest, settings, keys=keys)
        await stack.enter_async_context(app.router.lifespan_context(app))
        inside[manifest.name] = app
    announced = (
        Registration(manifest.name, f"inprocess://{manifest.name}/graphql", process.VERSION, graph.sdl(manifest))
        for manifest in modules
    )
    # All at once: they are composed together, and not one after the other.
    await asyncio.gather(*map(router.state.registry.register, announced))
    _refuse_rejected(router.state.registry.entries())
    return router


def settings(home: Path, name: str, schema: Schema, amqp_url: str, issuer: str) -> Settings:
    """A module's settings on this machine; who issues tokens, and who talks to strangers, know more than the others."""
    own: Mapping[str, Any] = accounts.settings(home, issuer) if name == "auth" else {}
    own = accounts.notify_settings(home, issuer) if name == "notify" else own
    own = {"issuer": issuer} if name == "crm" else own
    if name == "integrations":
        own = {
            **hub.settings(home),
            "router_url": issuer.replace("localhost", serving.HOST),
            "registry_token": hub.registry_token(home),
        }
    return Settings(
        **own,
        database_url=SecretStr(schema.runtime_url),
        database_relay_url=SecretStr(schema.relay_url),
        database_pool=_POOL,
        amqp_url=SecretStr(amqp_url),
    )


def _refuse_rejected(entries: Iterable[Entry]) -> None:
    rejected = {entry.registration.name: entry.verdict.errors for entry in entries if entry.verdict.errors}
    if rejected:
        reasons = "".join(f"\n    {name}: {error.message}" for name, errors in rejected.items() for error in errors)
        raise Trouble(f"The modules do not compose to one graph:{reasons}", "./dev check says more")


@asynccontextmanager
async def _running(tasks: Mapping[str, Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run these for the length of the block, which ends early when one of them fails."""
    async with asyncio.TaskGroup() as group:
        started = [group.create_task(task, name=name) for name, task in tasks.items()]
        try:
            yield
        finally:
            await ending.cancelled(*started)
