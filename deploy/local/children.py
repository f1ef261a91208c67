"""Child processes that cannot outlive us: how they are started, as whom, and how they are ended."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local import attached

_ATTACHED = str(Path(attached.__file__))


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

    def may_enter(self, directory: Path) -> bool:
        """Whether this user can get to a directory and read it; judged by the mode bits alone."""
        return all(self._has(path, 0o1) for path in directory.parents) and self._has(directory, 0o5)

    def _has(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & wanted == wanted


async def start(
    *program: str | Path,
    directory: Path,
    output: IO[bytes] | int,
    environment: Mapping[str, str],
    user: User | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> asyncio.subprocess.Process:
    """Start a program that gets `death_signal` when we die. Call it on the main thread: the kernel watches that."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", _ATTACHED),
        *(str(os.getpid()), str(int(death_signal)), f"{user.uid}:{user.gid}" if user else "-", str(directory)),
        *map(str, program),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C is for us; we end our children in our order
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
