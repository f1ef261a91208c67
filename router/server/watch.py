"""Notices when files change: looks at them every second, which works on every file system, and through links."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

Look = tuple[tuple[str, int, int, int], ...]


def look(files: Iterable[Path]) -> Look:
    """Return what changes when a file does; a file that is gone is a change, too."""
    seen = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            seen.append((str(file), 0, 0, 0))
        else:
            seen.append((str(file), state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(seen)


async def watch(
    files: Callable[[], Iterable[Path]],
    changed: Callable[[], Awaitable[None]],
    since: Look | None = None,
    *,
    every_seconds: float = 1.0,
) -> None:
    """Call `changed` after a file did, until we're cancelled; what it raises is logged, and we go on.

    `since` is how they looked before somebody read them; now, when nothing is said.
    """
    known = look(files()) if since is None else since
    while True:
        await asyncio.sleep(every_seconds)
        seen = look(files())
        if seen == known:
            continue
        known = seen
        try:
            await changed()
        except Exception:
            log.exception("watch.failed", files=[name for name, *_ in seen])
