"""The port that the platform listens on: taken before anything slow begins, and served until we are told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from deploy.local.home import Trouble
from router.server.farewell import Farewell
from router.server.swap import Swappable
from router.server.wire import guarded

HOST = "127.0.0.1"
_STOP_SECONDS = 5
_LISTENING = "0A"


def take(port: int) -> socket.socket:
    """Take a port of this machine, or say who has it; 0 takes any that is free.

    The protocol is named because asyncio switches Nagle's algorithm off only where a socket says that it speaks TCP. With it on,
    a body that is written after its head waits for the client's delayed acknowledgement: 40 ms for every answer (RFC 1122, 4.2.3.2).
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _refused(port, error) from error
    return listener


def port_of(listener: socket.socket) -> int:
    """The port that was taken."""
    return int(listener.getsockname()[1])


async def serve(router: Starlette, listener: socket.socket, ready: asyncio.Event) -> None:
    """Serve until cancelled, as the router alone does; requests that are being answered then are finished first."""
    app = Swappable(router, retire_seconds=_STOP_SECONDS)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        http=guarded(router.state.config, lambda: app.running),
        ws_max_size=router.state.config.limits.body_bytes,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config, ready, router.state.live.presence.dismiss)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(Farewell):
    """Uvicorn without signal handlers of its own: the process has one owner, and it is not the server."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event, dismiss: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config, dismiss)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so to whoever waits for it."""
        await super().startup(sockets)
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def _refused(port: int, error: OSError) -> Trouble:
    match error.errno:
        case errno.EADDRINUSE:
            holder = holder_of(port)
            return Trouble(
                f"Port {port} is taken{f' by {holder}' if holder else ''}.",
                f"Stop that, or choose another port: ./dev run --port {port + 1 if port < 65535 else 4000}",
            )
        case errno.EACCES:
            return Trouble(f"Port {port} is reserved for root.", "Choose one above 1023: ./dev run --port 4000")
        case _:
            return Trouble(f"Port {port} cannot be used ({error.strerror}).", "Choose another: ./dev run --port 4000")


def holder_of(port: int) -> str | None:
    """Name the process that listens on a port, as far as we may see; from /proc, as `ss -ltnp` does."""
    sockets = {f"socket:[{inode}]" for inode in _listening_on(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if sockets.intersection(_open_files(process)):
            command = (process / "cmdline").read_text(encoding="utf-8", errors="replace")
            return f"`{command.replace(chr(0), ' ').strip()}` (process {process.name})"
    return None


def _open_files(process: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):  # gone, or not ours to look at
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed while we look
                yield str(descriptor.readlink())


def _listening_on(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                cells = row.split()
                if cells[3] == _LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                    yield cells[9]
