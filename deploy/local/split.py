"""The same platform as it runs in production: each module in processes of its own, over HTTP, on real services.

    PostgreSQL ── RabbitMQ ── Redis          children of ours, private, on loopback
        │
    router serve ◄── registers ── subgraphs crm serve           one process that answers
        │                         subgraphs crm relay consume work   one that works behind
        └── HTTP ──► …

What a process needs to know stands in its environment and nowhere else, as systemd credentials have it in production. A
child that dies is named and started again; one that was told to stop (`kill`, without -9) stays stopped, so that an
outage can be looked at; all of them die with us.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from deploy.local import accounts, children, hub, identity, packages, schemas, services, serving
from deploy.local.children import Say
from deploy.local.home import Trouble, make_directory
from deploy.local.platform import Running, Steps, settings
from deploy.local.postgres import embedded_postgres
from deploy.local.schemas import Schema
from subgraphs import MODULES
from subgraphs.kit import broker, module, process

_START_SECONDS = 90.0
_STOP_SECONDS = 15.0
_POOL = "5"
# Ours says nothing to them: what production does not set, they must not need.
# Where bytecode is kept is no setting of a module: fifteen processes should not compile what all of them import.
_BYTECODE = {"PYTHONPYCACHEPREFIX": sys.pycache_prefix} if sys.pycache_prefix else {}
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", **_BYTECODE}


@asynccontextmanager
async def in_many_processes(
    home: Path, port: int, say: Say, without: frozenset[str] = frozenset()
) -> AsyncIterator[Running]:
    """Run the platform for the length of the block; modules in `without` are not started."""
    _refuse_without(packages.install(["RabbitMQ", "Redis"], say))
    async with AsyncExitStack() as stack:
        # Taken to be sure that it is free, and given up when the router is about to take it.
        listener = stack.enter_context(serving.take(port))
        step = Steps(say)
        servers = [services.rabbitmq(home / "rabbitmq", say), services.redis(home / "redis", say)]
        database = await stack.enter_async_context(embedded_postgres(home, say=say))
        step.done("PostgreSQL")
        amqp_url, redis_url = await stack.enter_async_context(children.together(servers))
        step.done("RabbitMQ and Redis")
        admin_url = await schemas.create_database(database.admin_url)
        addresses = {name: await schemas.bring_up(admin_url, name) for name in MODULES}
        step.done(f"schemas of {', '.join(MODULES)}")
        await process.declare_queues([module.load(name) for name in MODULES], broker.at(amqp_url))
        ports = {name: children.free_port() for name in MODULES}
        origin = identity.remember_issuer(home, serving.port_of(listener))
        told = {name: settings(home, name, schema, amqp_url, origin) for name, schema in addresses.items()}
        await accounts.make(home, told["auth"])
        house = _House(home, serving.port_of(listener), ports, amqp_url, redis_url, secrets.token_urlsafe(24), say)
        listener.close()
        await house.start({name: schema for name, schema in addresses.items() if name not in without}, stack)
        step.done("router and modules, each in its own processes")
        yield Running(house.url, home, told)


@dataclass(frozen=True, slots=True)
class _House:
    """What all processes of one platform have in common."""

    home: Path
    port: int
    ports: Mapping[str, int]
    """Of the modules: the same after a restart, so that the router finds them at once."""
    amqp_url: str
    redis_url: str
    registry_token: str
    say: Say

    @property
    def url(self) -> str:
        """Where the router listens."""
        return f"http://{serving.HOST}:{self.port}"

    async def start(self, addresses: Mapping[str, Schema], stack: AsyncExitStack) -> None:
        """Start the router, then all modules at once, and wait until they are one graph."""
        make_directory(self.home / "log")
        router = self._kept("The router", "router", ["router", "serve"], self._router_environment())
        await stack.enter_async_context(router)
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as client:
            await self._until_answers(client, "/health/live")
            modules = [kept for name, schema in addresses.items() for kept in self._module(name, schema)]
            await stack.enter_async_context(children.together(modules))
            await self._until_registered(client)

    def _module(self, name: str, schema: Schema) -> list[AbstractAsyncContextManager[children.Kept]]:
        """Two processes: one answers, and one does what nobody waits for."""
        environment = self._module_environment(name, schema)
        behind = ["subgraphs", name, "relay", "consume", "work"]
        return [
            self._kept(f"The module {name}", name, ["subgraphs", name, "serve"], environment),
            self._kept(f"The worker of {name}", f"{name}-worker", behind, environment),
        ]

    def _kept(
        self, title: str, log: str, program: list[str], environment: Mapping[str, str]
    ) -> AbstractAsyncContextManager[children.Kept]:
        async def start() -> asyncio.subprocess.Process:
            with children.open_log(self.home / "log" / f"{log}.log") as output:
                return await children.start(
                    *(sys.executable, "-m", *program), directory=self.home, output=output, environment=environment
                )

        return children.kept(title, start, say=self.say, seconds=_STOP_SECONDS, may_stop=True)

    def _router_environment(self) -> dict[str, str]:
        auth = f"http://{serving.HOST}:{self.ports['auth']}"
        identity.router_key(self.home)
        return _ENVIRONMENT | {
            "PSA_ROUTER_LISTEN__HOST": serving.HOST,
            "PSA_ROUTER_LISTEN__PORT": str(self.port),
            "PSA_ROUTER_REGISTRY__TOKEN": self.registry_token,
            "PSA_ROUTER_REDIS__URL": self.redis_url,
            "PSA_ROUTER_REGISTRY__STATE_FILE": str(self.home / "registry.json"),
            "PSA_ROUTER_AUTHENTICATION__ISSUER": identity.issuer(self.home),
            "PSA_ROUTER_AUTHENTICATION__AUDIENCE": identity.AUDIENCE,
            "PSA_ROUTER_AUTHENTICATION__JWKS": f"{auth}/auth/jwks.json",
            "PSA_ROUTER_AUTHENTICATION__SIGNING_KEY_FILE": str(identity.router_key_file(self.home)),
            "PSA_ROUTER_EXPOSE_QUERY_PLAN": "true",
        }

    def _module_environment(self, name: str, schema: Schema) -> dict[str, str]:
        own = accounts.settings(self.home, identity.issuer(self.home)) if name == "auth" else {}
        own = hub.settings(self.home) if name == "integrations" else own
        own = {"issuer": identity.issuer(self.home)} if name == "crm" else own
        own = accounts.notify_settings(self.home, identity.issuer(self.home)) if name == "notify" else own
        return (
            _ENVIRONMENT
            | {f"PSA_{key.upper()}": value for key, value in own.items()}
            | {
                "PSA_DATABASE_URL": schema.runtime_url,
                "PSA_DATABASE_RELAY_URL": schema.relay_url,
                "PSA_DATABASE_POOL": _POOL,
                "PSA_AMQP_URL": self.amqp_url,
                "PSA_REDIS_URL": self.redis_url,
                "PSA_ROUTER_URL": self.url,
                "PSA_REGISTRY_TOKEN": self.registry_token,
                "PSA_INTERNAL_JWKS": f"{self.url}/registry/jwks.json",
                "PSA_LISTEN_HOST": serving.HOST,
                "PSA_LISTEN_PORT": str(self.ports[name]),
            }
        )

    async def _until_registered(self, client: httpx2.AsyncClient) -> None:
        """Wait until the graph is that of the modules that run now: the router remembers those of the last time."""
        headers = {"Authorization": f"Bearer {self.registry_token}"}
        wanted = {name: f"http://{serving.HOST}:{port}/graphql" for name, port in self.ports.items()}

        async def missing() -> str:
            listed = (await client.get(f"{self.url}/registry/subgraphs", headers=headers)).json()["subgraphs"]
            active = {entry["name"]: entry["url"] for entry in listed if entry["state"] == "active"}
            return ", ".join(sorted(name for name, url in wanted.items() if active.get(name) != url))

        await self._until_nothing_is(missing, "not registered")

    async def _until_answers(self, client: httpx2.AsyncClient, path: str) -> None:
        async def missing() -> str:
            return "" if (await client.get(f"{self.url}{path}")).is_success else "the router"

        await self._until_nothing_is(missing, "not answering")

    async def _until_nothing_is(self, missing: Callable[[], Awaitable[str]], how: str) -> None:
        deadline, absent = time.monotonic() + _START_SECONDS, "the router"
        while absent:
            with suppress(httpx2.HTTPError):
                absent = await missing()
            if absent and time.monotonic() > deadline:
                raise Trouble(
                    f"After {_START_SECONDS:.0f} s still {how}: {absent}.", f"What they say is in {self.home / 'log'}"
                )
            await asyncio.sleep(0.1)


def _refuse_without(complaints: Mapping[str, str]) -> None:
    if complaints:
        reasons = "".join(f"\n    {name}: {reason}" for name, reason in complaints.items())
        raise Trouble(f"--split needs real services:{reasons}", "Without --split, nothing has to be installed")
