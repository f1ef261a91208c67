"""Three RabbitMQ nodes that are one cluster, and the ways to cut them off from each other without touching a network.

    halves            1 │ 2 3          a node alone, always the same
    random halves     ? │ ? ?          the same, at random
    majorities ring   1 ─ 2 ─ 3        everybody sees a majority, and not the same one: 1 and 3 don't see each other
    random node       ? │ ? │ ?        one after the other is cut off, while the last one comes back

These are the shapes of RabbitMQ's own Jepsen suite. A link between two Erlang nodes is cut by giving one of them a wrong
password for the other and hanging up: neither gets through to the other until the password is right again.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

from deploy.local import children, services

_ERL = Path("/usr/bin/erl")
_NODES = (1, 2, 3)

Pair = tuple[int, int]
Cut = Callable[[random.Random], Sequence[Sequence[Pair]]]
"""Which links are cut, in each of the parts of the time that it takes."""


def _alone(node: int) -> list[Pair]:
    return [pair for pair in combinations(_NODES, 2) if node in pair]


SHAPES: MappingProxyType[str, Cut] = MappingProxyType(
    {
        "halves": lambda _choice: [_alone(1)],
        "random halves": lambda choice: [_alone(choice.choice(_NODES))],
        "majorities ring": lambda _choice: [[(1, 3)]],
        "random node": lambda choice: [_alone(node) for node in choice.sample(_NODES, 3)],
    }
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, and how to talk to each of its nodes."""

    directory: Path
    urls: tuple[str, ...]
    cookie: str
    epmd: int

    async def cut(self, pairs: Iterable[Pair]) -> None:
        """Let these not see each other any more."""
        wrong = "rpc:call({a}, erlang, set_cookie, [{b}, cut]), rpc:call({a}, erlang, disconnect_node, [{b}])"
        await self._tell(wrong, pairs)

    async def heal(self, pairs: Iterable[Pair]) -> None:
        """Let these see each other again."""
        await self._tell(f"rpc:call({{a}}, erlang, set_cookie, [{{b}}, '{self.cookie}'])", pairs)

    async def _tell(self, words: str, pairs: Iterable[Pair]) -> None:
        told = ", ".join(words.format(a=f"'{_name(a)}'", b=f"'{_name(b)}'") for a, b in pairs)
        process = await asyncio.create_subprocess_exec(
            *(str(_ERL), "-noinput", "-hidden", "-start_epmd", "false", "-name", f"{secrets.token_hex(4)}@127.0.0.1"),
            *("-setcookie", self.cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}"),
            *("-eval", f"{told}, halt()."),
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.directory),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
                "ERL_EPMD_PORT": str(self.epmd),
            },
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await asyncio.wait_for(process.wait(), 60) == 0


def _name(node: int) -> str:
    return f"psa{node}@127.0.0.1"


@asynccontextmanager
async def cluster(directory: Path, say: children.Say) -> AsyncIterator[Cluster]:
    """Run three nodes, the second and third of which join the first; what is in the minority pauses."""
    user = children.User.instead_of_root("rabbitmq")
    cookie, password, epmd_port = secrets.token_hex(20), secrets.token_urlsafe(24), children.free_port()
    children.own_directory(directory, user)
    environment = {"HOME": str(children.seen_from_inside(directory, user)), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    epmd = services._Service("epmd", (services._EPMD, "-port", str(epmd_port)), directory, user, environment, epmd_port)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(children.kept("epmd", epmd.start, say=say))
        urls = []
        for node in _NODES:
            ports = services._Ports(amqp=children.free_port(), nodes=children.free_port(), epmd=epmd_port)
            service = _node(directory / str(node), node, ports, cookie, password)
            start = lambda service=service: service.start(services._AMQP_GREETING, b"\x01")  # noqa: E731
            await stack.enter_async_context(children.kept(f"RabbitMQ {node}", start, say=say, seconds=30))
            urls.append(f"amqp://psa:{password}@127.0.0.1:{ports.amqp}/")
        yield Cluster(directory, tuple(urls), cookie, epmd_port)


def _node(directory: Path, node: int, ports: services._Ports, cookie: str, password: str) -> services._Service:
    user = children.User.instead_of_root("rabbitmq")
    children.own_directory(directory, user)
    inside = children.seen_from_inside(directory, user)
    known = "".join(f"cluster_formation.classic_config.nodes.{one} = {_name(one)}\n" for one in _NODES[:node])
    services._write(directory / ".erlang.cookie", cookie, user, mode=0o400)
    services._write(
        directory / "rabbitmq.conf",
        services._rabbitmq_configuration(ports, password)
        + f"cluster_formation.peer_discovery_backend = classic_config\n{known}cluster_partition_handling = pause_minority\n",
        user,
    )
    services._write(directory / "enabled_plugins", "[].\n", user)
    environment = {**services._rabbitmq_environment(inside, ports), "RABBITMQ_NODENAME": _name(node)}
    return services._Service("RabbitMQ", (services.RABBITMQ,), directory, user, environment, ports.amqp)
