"""The time as the event loop counts it, and a timer for deadlines that hardly ever come.

Asking for the running loop asks the kernel for the number of the process (in Python 3.11), which takes five times as long as
the clock itself; a request would do so ten times. The loop's clock is this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

now = time.monotonic


class Alarm:
    """One timer for many deadlines, one after the other.

    Nearly all of them are called off long before their time. So a deadline is only noted; the timer stays as it was set for
    an earlier one, and looks when it goes off whether there still is one, and when.

        set(15) ── clear ── set(18) ── clear ── set(21) …
        armed for 15 ───────────────────────────► at 15: not yet, armed for 21
    """

    __slots__ = ("_armed_for", "_due", "_handle", "_loop", "_ring")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]) -> None:
        self._loop = loop
        self._ring = ring
        self._due: float | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def set(self, due: float) -> None:
        """Ring at this time, and not at the one that was set before."""
        self._due = due
        if self._handle is None:
            self._arm(due)
        elif due < self._armed_for:
            self._handle.cancel()
            self._arm(due)

    def clear(self) -> None:
        """Don't ring."""
        self._due = None

    def close(self) -> None:
        """Never ring again."""
        self._due = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, due: float) -> None:
        self._armed_for = due
        self._handle = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._handle = None
        due = self._due
        if due is None:
            return
        if due > self._armed_for:
            self._arm(due)
            return
        self._due = None
        self._ring()
