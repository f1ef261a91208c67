"""Look at processes as /proc shows them, for tests that start and kill some."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path


def family(pid: int) -> set[int]:
    """Return a process and all its descendants."""
    try:
        tasks = [(task / "children").read_text(encoding="ascii") for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it ended while we looked
        return {pid}
    return {pid}.union(*(family(int(child)) for children in tasks for child in children.split()))


def is_running(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False


def command(pid: int) -> str:
    """Return the command line of a process, for messages that people read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        return ""


def still_running(pids: Iterable[int], seconds: float) -> list[str]:
    """Wait until these have ended, and return the command lines of those that have not."""
    pids = set(pids)
    wait_until(lambda: not any(is_running(pid) for pid in pids), seconds)
    return [command(pid) for pid in pids if is_running(pid)]


def wait_until(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until something is true; return whether it is."""
    deadline = time.monotonic() + seconds
    while not (reached := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return reached
