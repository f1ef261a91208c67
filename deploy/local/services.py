"""Private instances of RabbitMQ and Redis, from the programs that Debian installs; nothing of the system's is touched.

Each listens on 127.0.0.1 only, on a free port, behind a random password, with all its files in one directory, as the
user that its package made (or as us, if we are not root), and ends when we end.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import children
from deploy.local import home as homes
from deploy.local.home import Trouble

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The script itself: the one in /usr/sbin insists on the system's directories."""
REDIS = Path("/usr/bin/redis-server")
_EPMD = Path("/usr/bin/epmd")

_START_SECONDS = 90.0
_AMQP_GREETING = b"AMQP\x00\x00\x09\x01"


@asynccontextmanager
async def redis(directory: Path, say: children.Say) -> AsyncIterator[str]:
    """Run a Redis that forgets everything when it ends, and return its address."""
    user = children.User.instead_of_root("redis")
    children.own_directory(directory, user)
    port, password = children.free_port(), secrets.token_urlsafe(24)
    # `save ""`: it holds caches and counters, which nobody misses after a restart.
    _write(
        directory / "redis.conf",
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndaemonize no\n',
        user,
    )
    service = _Service(
        "Redis", (REDIS, children.seen_from_inside(directory, user) / "redis.conf"), directory, user, {}, port
    )
    ready = f"AUTH {password}\r\n".encode("ascii")
    async with children.kept("Redis", lambda: service.start(ready, b"+OK"), say=say):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


@asynccontextmanager
async def rabbitmq(directory: Path, say: children.Say) -> AsyncIterator[str]:
    """Run a RabbitMQ on the data in `directory`, and return its address.

    Erlang finds its nodes through a daemon of its own, epmd, which a node would start by itself, on all interfaces and
    for ever. We run one as our child instead, and tell the node so.
    """
    user = children.User.instead_of_root("rabbitmq")
    children.own_directory(directory, user)
    inside = children.seen_from_inside(directory, user)
    ports = _Ports(amqp=children.free_port(), nodes=children.free_port(), epmd=children.free_port())
    # Kept with the data: RabbitMQ looks at it only when it makes its database.
    password = homes.private_file(directory / "password", lambda: secrets.token_urlsafe(24))
    _write(directory / ".erlang.cookie", secrets.token_hex(20), user, mode=0o400)
    _write(directory / "rabbitmq.conf", _rabbitmq_configuration(ports, password), user)
    _write(directory / "enabled_plugins", "[].\n", user)
    environment = _rabbitmq_environment(inside, ports)
    epmd = _Service("epmd", (_EPMD, "-port", str(ports.epmd)), directory, user, environment, ports.epmd)
    node = _Service("RabbitMQ", (RABBITMQ,), directory, user, environment, ports.amqp)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(children.kept("epmd", epmd.start, say=say))
        await stack.enter_async_context(
            children.kept("RabbitMQ", lambda: node.start(_AMQP_GREETING, b"\x01"), say=say, seconds=30)
        )
        yield f"amqp://psa:{password}@127.0.0.1:{ports.amqp}/"


@dataclass(frozen=True, slots=True)
class _Ports:
    amqp: int
    nodes: int
    epmd: int


def _rabbitmq_configuration(ports: _Ports, password: str) -> str:
    return (
        f"listeners.tcp.1 = 127.0.0.1:{ports.amqp}\ndefault_user = psa\ndefault_pass = {password}\n"
        "log.file = false\nlog.console = true\nlog.console.level = warning\n"
    )


def _rabbitmq_environment(inside: Path, ports: _Ports) -> Mapping[str, str]:
    return {
        "HOME": str(inside),
        "LANG": "C.UTF-8",
        "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes Erlang, instead of staying its parent
        # An address instead of a name: a bare machine may not even know `localhost`.
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_NODENAME": "psa@127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(inside / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(inside / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(inside / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(inside / "mnesia"),
        "RABBITMQ_LOG_BASE": str(inside / "log"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(inside / "config"),
        "RABBITMQ_PID_FILE": str(inside / "pid"),
        "RABBITMQ_DIST_PORT": str(ports.nodes),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(ports.epmd),
    }


@dataclass(frozen=True, slots=True)
class _Service:
    """A program that listens on a port, and the files it keeps beside its log."""

    name: str
    program: tuple[str | Path, ...]
    directory: Path
    user: children.User | None
    environment: Mapping[str, str]
    port: int

    async def start(self, greeting: bytes = b"", answer: bytes = b"") -> asyncio.subprocess.Process:
        """Start it and return it as soon as it answers the greeting."""
        with children.open_log(self.directory / f"{self.name.lower()}.log") as log:
            process = await children.start(
                *self.program,
                directory=self.directory,
                output=log,
                environment={"PATH": os.defpath, **self.environment},
                user=self.user,
            )
        try:
            await self._wait_until_ready(process, greeting, answer)
        except BaseException:
            await children.stop(process, signal.SIGTERM, 5)
            raise
        return process

    async def _wait_until_ready(self, process: asyncio.subprocess.Process, greeting: bytes, answer: bytes) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not await _answers(self.port, greeting, answer):
            if process.returncode is not None or time.monotonic() > deadline:
                log = self.directory / f"{self.name.lower()}.log"
                last = " / ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:])
                raise Trouble(f"{self.name} does not start: {last}", f"The whole story is in {log}")
            await asyncio.sleep(0.05)


async def _answers(port: int, greeting: bytes, answer: bytes) -> bool:
    """Whether somebody listens and replies as the protocol wants it."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(greeting)
                return await reader.read(len(answer)) == answer
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _write(path: Path, text: str, user: children.User | None, mode: int = 0o600) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if user:
        os.chown(path, user.uid, user.gid)
