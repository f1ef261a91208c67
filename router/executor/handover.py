"""Hands things from one task to another, one at a time: whoever gives waits for whoever takes, who may leave any time."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """A queue with one place, whose taker can leave without anybody being stuck."""

    def __init__(self) -> None:
        self._place: asyncio.Queue[T] = asyncio.Queue(1)
        self.left = asyncio.Event()

    def leave(self) -> None:
        """Take nothing more; who gives, now or later, is told so."""
        self.left.set()

    async def give(self, thing: T) -> bool:
        """Wait until there is room; False when the taker has left."""
        if self.left.is_set():
            return False
        if not self._place.full():
            self._place.put_nowait(thing)
            return True
        giving, leaving = asyncio.ensure_future(self._place.put(thing)), asyncio.ensure_future(self.left.wait())
        try:
            await asyncio.wait({giving, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            given = giving.done()
            giving.cancel()
            leaving.cancel()
        return given

    async def take(self) -> T:
        """Wait for the next thing."""
        return await self._place.get()
