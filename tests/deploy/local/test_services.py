"""Private RabbitMQ and Redis: on loopback only, behind a password, back when killed, gone when we are gone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from pamqp import commands, frame
from pamqp.common import FieldTable
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from deploy.local import packages, services
from deploy.local.children import Say
from tests.deploy.local.processes import family, still_running

pytestmark = pytest.mark.timeout(180)  # a broker takes 8 s, and half a minute on a busy machine

needs_rabbitmq = pytest.mark.skipif(bool(packages.missing(["RabbitMQ"])), reason="RabbitMQ is not installed")
needs_redis = pytest.mark.skipif(bool(packages.missing(["Redis"])), reason="Redis is not installed")


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with services.rabbitmq(tmp_path_factory.mktemp("rabbitmq"), lambda _: None) as url:
        yield url


@needs_rabbitmq
async def test_a_private_rabbitmq_keeps_a_confirmed_message_in_a_quorum_queue(broker: str) -> None:
    connection = await aio_pika.connect(broker)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"word"), "kept")
        message = await queue.get()
        await message.ack()

    assert message.body == b"word"


@needs_rabbitmq
async def test_a_private_rabbitmq_refuses_the_password_that_everybody_knows(broker: str) -> None:
    address = urlsplit(broker)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"AMQP\x00\x00\x09\x01")
    await reader.readuntil(b"\xce")  # Connection.Start, up to the byte that ends a frame
    # A client that says so is told why it is sent away, instead of only being cut off.
    wishes: FieldTable = {"capabilities": {"authentication_failure_close": True}}
    login = commands.Connection.StartOk(client_properties=wishes, mechanism="PLAIN", response="\0guest\0guest")
    writer.write(frame.marshal(login, 0))
    answer = await reader.readuntil(b"\xce")
    writer.close()

    assert b"ACCESS_REFUSED" in answer


@needs_redis
async def test_a_private_redis_answers_with_its_password_and_not_without(tmp_path: Path) -> None:
    async with services.redis(tmp_path / "redis", lambda _: None) as url:
        client = Redis.from_url(url)
        stranger = Redis.from_url(url.replace(url.split("@")[0], "redis://:guessed"))
        try:
            await client.set("key", "value")
            value = await client.get("key")
            with pytest.raises(AuthenticationError):
                await stranger.get("key")
        finally:
            await client.aclose()
            await stranger.aclose()

    assert value == b"value"


HOLDER = """
import asyncio, sys
from pathlib import Path
from deploy.local import services

async def main():
    async with getattr(services, sys.argv[1])(Path(sys.argv[2]), print) as url:
        print(url, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""

Service = Callable[[Path, Say], AbstractAsyncContextManager[str]]


@pytest.mark.parametrize(
    "name", [pytest.param("rabbitmq", marks=needs_rabbitmq), pytest.param("redis", marks=needs_redis)]
)
def test_a_service_listens_on_loopback_only_and_dies_with_a_parent_that_was_killed(name: str, tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, name, str(tmp_path / name)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()

    started = family(holder.pid) - {holder.pid}
    addresses = listening(started)
    holder.kill()
    holder.communicate()

    assert still_running(started, seconds=60) == []
    assert IPv4Address("127.0.0.1") in addresses
    assert all(found.is_loopback for found in addresses)


def listening(pids: set[int]) -> set[IPv4Address | IPv6Address]:
    """Return the addresses on which these processes listen, read from /proc as `ss` reads them."""
    files = (Path(f"/proc/{pid}/fd").iterdir() for pid in pids)
    sockets = {str(fd.readlink()) for descriptors in files for fd in descriptors if fd.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    ]
    return {address(row[1].split(":")[0]) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def address(words: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: words of 32 bits, each with its bytes in reverse."""
    return ip_address(b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8)))
