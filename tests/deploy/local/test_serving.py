"""A port that is taken is told at once, with who has it and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import serving
from deploy.local.home import Trouble


def test_a_taken_port_is_told_with_its_holder_and_the_remedy() -> None:
    with serving.take(0) as taken:
        port = serving.port_of(taken)
        with pytest.raises(Trouble) as refused:
            serving.take(port)

    assert refused.value.problem.startswith(f"Port {port} is taken by `")
    assert refused.value.problem.endswith(f"` (process {os.getpid()}).")
    assert refused.value.remedy == f"Stop that, or choose another port: ./dev run --port {port + 1}"


def test_it_listens_on_loopback_only() -> None:
    with serving.take(0) as taken:
        assert taken.getsockname()[0] == "127.0.0.1"


def test_nobody_holds_a_port_that_is_free() -> None:
    with serving.take(0) as taken:
        port = serving.port_of(taken)

    assert serving.holder_of(port) is None


def test_dev_run_on_a_taken_port_says_so_before_it_makes_anything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving.take(0) as taken:
        port = serving.port_of(taken)
        command = [sys.executable, "-m", "deploy.local", "run", "--port", str(port), "--home", str(home)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"✗ Port {port} is taken by `" in done.stderr
    assert not home.exists()


def test_what_listens_there_does_not_wait_for_acknowledgements() -> None:
    """Nagle's algorithm would keep the body of every answer back for 40 ms, after its head was sent."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, serving.take(0) as taken:
        assert runner.run(_nodelay(taken)) == 1


async def _nodelay(listener: socket.socket) -> int:
    """The option of a connection that was accepted from a listener."""
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            own = transport.get_extra_info("socket")
            accepted.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    server = await asyncio.get_running_loop().create_server(Server, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection("127.0.0.1", serving.port_of(listener))
        nodelay = await accepted
        writer.close()
        await writer.wait_closed()
    return nodelay
