"""Writes to sockets once per turn of the event loop: whoever reads at the other end is woken for many, not for each.

To write to a socket of the same machine is to wake a process, and that is most of what a small write costs: the kernel looks
for a processor, interrupts it, and often takes ours away for the moment. Between two writes of a router lie fifty
microseconds of its own work, enough for the other side to read what came and to fall asleep again. So what a turn brings
forth waits for the end of the turn:

    answer ─ work ─ write                     answer ─ work ─ work ─ work ─┐
               └ wakes                                                     └─ write write write
             ─ work ─ write                                                     └ wakes  (awake)  (awake)
                        └ wakes

It costs one more turn, in which nothing is waited for. Where only a few requests are on their way that is more than it saves,
and they are written at once.
"""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

_COMPANY: Final = 4
"""So many requests on their way make it likely that a turn has more than one thing to write."""


class Outbox:
    """What one event loop is going to write at the end of its turn."""

    __slots__ = ("_loop", "_waiting", "away")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self.away = 0
        """Requests to subgraphs that are on their way; those who send them count."""

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write at the end of the turn, after all that was to be written before; at once where nobody else is at work.

        Whoever writes to the transport in another way, or closes it, calls `flush` first.
        """
        if self._waiting:
            self._waiting.append((transport, data))
        elif self.away < _COMPANY:
            transport.write(data)
        else:
            self._waiting.append((transport, data))
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits, but to those who have gone meanwhile."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)


_outboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = WeakKeyDictionary()


def outbox_of(loop: asyncio.AbstractEventLoop) -> Outbox:
    """Return the one of a loop."""
    outbox = _outboxes.get(loop)
    if outbox is None:
        outbox = _outboxes[loop] = Outbox(loop)
    return outbox
