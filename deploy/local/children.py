"""Child processes that cannot outlive us: how they are started, as whom, kept running, and ended."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from deploy.local import attached
from deploy.local.home import Trouble

_ATTACHED = str(Path(attached.__file__))
_INSIDE = Path("/proc/self/cwd")
_PATIENCE_SECONDS = 5.0
_LOG_BYTES = 10_000_000
_FIRST_PORT = 15000
_SHORT_LIFE_SECONDS = 2.0
_TOLD_TO = frozenset({0, -signal.SIGTERM, -signal.SIGINT})

T = TypeVar("T")

Say = Callable[[str], None]
"""Where lines for the person at the keyboard go."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom a child runs as."""

    uid: int
    gid: int

    @classmethod
    def named(cls, name: str) -> User:
        """Look up a user of this machine."""
        entry = pwd.getpwnam(name)
        return cls(entry.pw_uid, entry.pw_gid)

    @classmethod
    def instead_of_root(cls, name: str) -> User | None:
        """Return the user to step down to, or None if we are not root and stay who we are."""
        return cls.named(name) if os.geteuid() == 0 else None

    def may_enter(self, directory: Path) -> bool:
        """Whether this user can get to a directory and read it; judged by the mode bits alone."""
        return all(self._has(path, 0o1) for path in directory.parents) and self._has(directory, 0o5)

    def _has(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & wanted == wanted


def own_directory(path: Path, user: User | None) -> None:
    """Make a directory that belongs to the child."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user:
        os.chown(path, user.uid, user.gid)


def open_log(path: Path) -> IO[bytes]:
    """Open the file that a child writes to: at its end, or at a new beginning when it has grown large."""
    large = path.exists() and path.stat().st_size > _LOG_BYTES
    return path.open("wb" if large else "ab")


def seen_from_inside(directory: Path, user: User | None) -> Path:
    """How a child that is started in `directory` names it: by its path, unless it could not walk there."""
    if user is None or user.may_enter(directory.resolve()):
        return directory.resolve()
    if not _INSIDE.exists():
        raise Trouble(
            f"A child that is not root cannot get to {directory}, and /proc is not mounted.",
            "mount -t proc proc /proc, or choose a directory that others may enter: --home DIR",
        )
    return _INSIDE


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on, and that nobody will hold when a child comes to take it.

    Not one that the system gives to whoever asks for any: until the child is up, a connection to somewhere else, of any
    program, may be given the same one, and the child would find it taken for as long as that connection lives.
    """
    for _ in range(1000):
        port = _FIRST_PORT + secrets.randbelow(_ephemeral_from() - _FIRST_PORT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Trouble("No port of 127.0.0.1 is free.", "Stop what listens there")


def _ephemeral_from() -> int:
    """Where the ports begin that the system chooses itself (`man 7 ip`)."""
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(setting.read_text().split()[0]) if setting.exists() else 32768
    return first if first > _FIRST_PORT else 65536


async def start(
    *program: str | Path,
    directory: Path,
    output: IO[bytes] | int | None,
    environment: Mapping[str, str],
    user: User | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    foreground: bool = False,
) -> asyncio.subprocess.Process:
    """Start a program that gets `death_signal` when we die. Call it on the main thread: the kernel watches that.

    Ctrl-C is for us, and we end our children in our order, unless one is to stay in the foreground with us.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", _ATTACHED),
        *(str(os.getpid()), str(int(death_signal)), f"{user.uid}:{user.gid}" if user else "-", str(directory)),
        *map(str, program),
        stdin=None if foreground else asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=None if foreground else asyncio.subprocess.STDOUT,
        env=dict(environment),
        start_new_session=not foreground,
    )


async def stop(process: asyncio.subprocess.Process, gently: signal.Signals, seconds: float) -> None:
    """End a child: gently first, then for certain."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(gently)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
    if process.returncode is None:
        process.kill()
        await process.wait()


@dataclass(slots=True)
class Kept:
    """A child that is started again whenever it ends."""

    name: str
    process: asyncio.subprocess.Process
    restarts: int = 0


@asynccontextmanager
async def kept(
    name: str,
    start_ready: Callable[[], Awaitable[asyncio.subprocess.Process]],
    *,
    say: Say,
    gently: signal.Signals = signal.SIGTERM,
    seconds: float = 20.0,
    may_stop: bool = False,
) -> AsyncIterator[Kept]:
    """Keep a child running for the length of the block.

    Args:
        name: As it begins a sentence: `The database`.
        start_ready: Starts it and returns when it is ready; raises Trouble when it will not be.
        say: Told when it ended and when it is back.
        gently: The signal that ends it in an orderly way.
        seconds: How long it may take over that.
        may_stop: Whether one that somebody told to stop stays stopped; one that dies is started again in any case.
    """
    child = Kept(name, await start_ready())
    # No TaskGroup: a fixture enters and leaves this block in different tasks.
    watching = _start_again_forever(child, start_ready, say, may_stop=may_stop)
    watch = asyncio.create_task(watching, name=f"keeper of {name}")
    try:
        yield child
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await stop(child.process, gently, seconds)


@asynccontextmanager
async def together(managers: Sequence[AbstractAsyncContextManager[T]]) -> AsyncIterator[list[T]]:
    """Enter several blocks at once and leave them at once, where one after the other would take the sum."""
    entering = [asyncio.ensure_future(manager.__aenter__()) for manager in managers]
    try:
        yield [await entered for entered in entering]
    finally:
        for entered in entering:
            entered.cancel()
        await asyncio.gather(*map(_leave, managers, entering))


async def _leave(manager: AbstractAsyncContextManager[T], entering: asyncio.Future[T]) -> None:
    await asyncio.wait([entering])
    if not entering.cancelled() and entering.exception() is None:
        await manager.__aexit__(None, None, None)


async def _start_again_forever(
    child: Kept, start_ready: Callable[[], Awaitable[asyncio.subprocess.Process]], say: Say, *, may_stop: bool
) -> None:
    while True:
        started = time.monotonic()
        status = await child.process.wait()
        if may_stop and status in _TOLD_TO:
            say(f"⏸ {child.name} was told to stop, and stays stopped until the platform is started anew.")
            return
        say(f"⚠ {child.name} ended ({_cause(status)}); starting it again.")
        if time.monotonic() - started < _SHORT_LIFE_SECONDS:
            await asyncio.sleep(1)  # what cannot live should not keep the machine busy
        began = time.monotonic()
        child.process = await _insist(start_ready, say)
        child.restarts += 1
        say(f"✓ {child.name} is back after {time.monotonic() - began:.1f} s.")


async def _insist(
    start_ready: Callable[[], Awaitable[asyncio.subprocess.Process]], say: Say
) -> asyncio.subprocess.Process:
    """Try until it starts: what the dead one left behind may hold it up for a moment; a full disk, for longer."""
    patience, told = time.monotonic() + _PATIENCE_SECONDS, ""
    while True:
        try:
            return await start_ready()
        except (Trouble, OSError) as trouble:
            late = time.monotonic() > patience
            if late and str(trouble) != told:
                told = str(trouble)
                say(f"✗ {told}")
            await asyncio.sleep(2.0 if late else 0.05)


def _cause(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit code {status}"
