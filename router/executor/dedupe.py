"""Equal queries that are on their way to a service at the same time go once, and their answer goes to all who asked.

    client A ─┐  url, body, headers: all equal
    client B ─┼─► one request ──► one answer, read by each for itself
    client C ─┘

Equal means that nothing which could change the answer differs: the address, the bytes of the body, and every header that is
sent along, the caller's token above all. Only what names the request and not the asker is left out: the ids of traces.
Mutations and subscriptions are never shared. The one request lives as long as anybody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from router.executor.transport import Answer, Carrier, SubgraphRequest, TimedOut
from router.executor.uploads import Form

_NAMES_THE_REQUEST = frozenset({"traceparent", "tracestate", "x-request-id"})

_GRACE_SECONDS = 0.1

Key = tuple[str, bytes | Form, frozenset[tuple[str, str]]]


@dataclass(slots=True)
class _Flight:
    """A request that is on its way, and how many wait for it."""

    answer: asyncio.Future[Answer]
    waiting: int = 0


def key(request: SubgraphRequest) -> Key:
    """Return all that could change the answer."""
    headers = ((name.lower(), value) for name, value in request.headers.items())
    return request.url, request.body, frozenset(item for item in headers if item[0] not in _NAMES_THE_REQUEST)


class Deduplicated:
    """A layer that shares what is equal."""

    def __init__(self, inner: Carrier, observe: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._observe = observe
        self._flights: dict[Key, _Flight] = {}

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Join a request that is on its way, or begin one that others may join."""
        if not request.is_query:
            return await self._inner.carry(request, deadline)
        same = key(request)
        while (flight := self._flights.get(same)) is not None:
            self._observe(request.service, "shared")
            try:
                return await self._wait(same, flight, deadline)
            except TimedOut:
                # It had the deadline of whoever began it. If ours is later, we ask ourselves.
                if asyncio.get_running_loop().time() >= deadline:
                    raise
        return await self._wait(same, self._begin(same, request, deadline), deadline)

    def _begin(self, same: Key, request: SubgraphRequest, deadline: float) -> _Flight:
        # A task of its own: it must not end with the one who happened to ask first.
        answer = asyncio.ensure_future(self._inner.carry(request, deadline))
        flight = self._flights[same] = _Flight(answer)
        answer.add_done_callback(lambda done: self._landed(same, flight, done))
        return flight

    def _landed(self, same: Key, flight: _Flight, done: asyncio.Future[Answer]) -> None:
        if not done.cancelled():
            done.exception()  # seen, even if everybody has left
        if self._flights.get(same) is flight:
            del self._flights[same]

    async def _wait(self, same: Key, flight: _Flight, deadline: float) -> Answer:
        flight.waiting += 1
        try:
            # The layers below end at the deadline themselves, and have to learn that they did.
            async with asyncio.timeout_at(deadline + _GRACE_SECONDS):
                return await asyncio.shield(flight.answer)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.answer.done():
                if self._flights.get(same) is flight:
                    del self._flights[same]
                flight.answer.cancel()
