"""The end of what runs until it is told to stop: asked for until it comes, and taken where it never does.

A cancellation can get lost. A client whose connection breaks in the same moment tells of the connection alone, and so does
a task group (until Python 3.13) whose child fails while it is cancelled; whoever tries again after errors then tries
again, in a process that nobody waits for any more. When a whole platform dies at once, that moment is not rare.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import Any

AGAIN_SECONDS = 12.0
"""How long a cancellation may take before it counts as lost; longer than a server needs to finish its answers."""

CERTAIN_SECONDS = 30.0
"""How long a process that was told to stop may live at most."""


async def cancelled(*tasks: asyncio.Future[Any], again_seconds: float = AGAIN_SECONDS) -> None:
    """Cancel these until all of them have ended; how they ended stays with them."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=again_seconds)


def certain(seconds: float = CERTAIN_SECONDS) -> None:
    """End this process with exit code 1 after so many seconds, if it still lives then, and say what it hung on.

    From a thread, because a loop that is blocked, or waits for threads of its own, hears nothing.
    """
    last = threading.Timer(seconds, _leave, (asyncio.get_running_loop(), seconds))
    last.daemon = True
    last.start()


def _leave(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    sys.stderr.write(f"told to stop {seconds:g} s ago, and still there; what it hangs on:\n")
    for task in asyncio.all_tasks(loop):
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)
