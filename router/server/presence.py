"""Who is connected for longer than a request, and by which token: it is noticed when the token is worth nothing any more.

A request is checked when it comes. What stays open has to be looked at again: at the moment when its token expires, when
somebody says that it was revoked, and when the router stops or gets other settings. Whoever keeps a connection open announces it here, with a
function that is called once when one of these happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from router.server.refusals import Refused

if TYPE_CHECKING:
    from router.server.authentication import Caller


class Parting(Enum):
    """Why a connection has to end."""

    EXPIRED = auto()
    REVOKED = auto()
    STOPPING = auto()
    RELOADED = auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Present:
    caller: Caller | None
    part: Callable[[Parting], None]


class Presence:
    """Everybody who is connected for longer than a request."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._present: set[_Present] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()

    @property
    def count(self) -> int:
        """How many are connected."""
        return len(self._present)

    @property
    def is_full(self) -> bool:
        """Whether nobody more may come."""
        return len(self._present) >= self._most

    @contextmanager
    def of(self, caller: Caller | None, part: Callable[[Parting], None]) -> Iterator[None]:
        """Be connected during the block; `part` is called when it should end. Raises `Refused` when there are too many."""
        if self.is_full:
            raise Refused("SUBSCRIPTION_MAX_LIMIT", "can't open new connection, limit reached")
        present, timer = _Present(caller, part), _at_expiry(caller, part)
        self._present.add(present)
        self._nobody.clear()
        try:
            yield
        finally:
            self._present.discard(present)
            if not self._present:
                self._nobody.set()
            if timer is not None:
                timer.cancel()

    def revoke(self, is_meant: Callable[[Caller], bool]) -> int:
        """Disconnect all whose token is worth nothing any more; returns how many that were."""
        meant = [one for one in self._present if one.caller is not None and is_meant(one.caller)]
        for one in meant:
            one.part(Parting.REVOKED)
        return len(meant)

    async def look_for_revoked(self, taken_back: Callable[[Caller], Awaitable[bool]], every_seconds: float) -> None:
        """Look again and again who of them may not be here any more, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            for one in tuple(self._present):
                if one.caller is not None and await taken_back(one.caller):
                    one.part(Parting.REVOKED)

    async def dismiss(self, why: Parting = Parting.STOPPING, seconds: float = 2.0) -> None:
        """Ask all to leave because the router stops, and wait a moment until they have."""
        for one in tuple(self._present):
            one.part(why)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nobody.wait()


def _at_expiry(caller: Caller | None, part: Callable[[Parting], None]) -> asyncio.TimerHandle | None:
    if caller is None or caller.expires_at is None:
        return None
    seconds = max(0.0, caller.expires_at - time.time())
    return asyncio.get_running_loop().call_later(seconds, part, Parting.EXPIRED)
