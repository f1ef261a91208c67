"""Equal queries that are on their way to a service at the same time go once, and their answer goes to all who asked.

    client A ─┐  url, body, headers: all equal
    client B ─┼─► one request ──► one answer, read by each for itself
    client C ─┘

Equal means that nothing which could change the answer differs: the address, the bytes of the body, and every header that is
sent along, the caller's token above all. Only what names the request and not the asker is left out: the ids of traces.
Mutations and subscriptions are never shared. Whoever asks first does the work, which costs nothing beyond it; when they
leave, the work ends with them, and one of those who wait begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.executor.transport import Answer, Carrier, SubgraphRequest, TimedOut, TransportFailure
from router.executor.uploads import Form

NAMES_THE_REQUEST = frozenset({"traceparent", "tracestate", "x-request-id"})
"""Headers that say nothing of who asks, nor of what."""

Key = tuple[str, bytes | Form, frozenset[tuple[str, str]], int]


def key(request: SubgraphRequest) -> Key:
    """Return all that could change the answer."""
    headers = ((name.lower(), value) for name, value in request.headers.items())
    told = frozenset(item for item in headers if item[0] not in NAMES_THE_REQUEST)
    return request.url, request.body, told, request.since


class Deduplicated:
    """A layer that shares what is equal."""

    def __init__(self, inner: Carrier, observe: Callable[[str, str], None]) -> None:
        self._inner = inner
        self._observe = observe
        self._flights: dict[Key, asyncio.Future[Answer | None]] = {}

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Join a request that is on its way, or begin one that others may join."""
        if not request.is_query:
            return await self._inner.carry(request, deadline)
        same = key(request)
        while (flight := self._flights.get(same)) is not None:
            self._observe(request.service, "shared")
            try:
                answer = await self._wait(flight, deadline)
            except TimedOut:
                # It had the deadline of whoever began it. If ours is later, we ask ourselves.
                if asyncio.get_running_loop().time() >= deadline:
                    raise
            else:
                if answer is not None:
                    return answer
        return await self._begin(same, request, deadline)

    async def _begin(self, same: Key, request: SubgraphRequest, deadline: float) -> Answer:
        flight: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._flights[same] = flight
        answer: Answer | None = None
        failure: TransportFailure | None = None
        try:
            answer = await self._inner.carry(request, deadline)
        except TransportFailure as fault:
            failure = fault
            raise
        finally:
            # Whoever began it may also have left: there is no answer then, and the next one in line asks itself.
            del self._flights[same]
            if failure is None:
                flight.set_result(answer)
            else:
                flight.set_exception(failure)
                flight.exception()  # seen, even if nobody waits
        return answer

    async def _wait(self, flight: asyncio.Future[Answer | None], deadline: float) -> Answer | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(flight)
        except TimeoutError:
            raise TimedOut("no answer within the deadline") from None
