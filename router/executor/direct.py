"""The short way to a service: a request starts with one write, and a callback has its answer; no task, no future, no layer.

    start ─► shared? ─► place in line ─► idle connection ─► one write … answer ─► leave the line ─► done
                             │                  │                          └─ not now? asked again ─┐
                             └── none? ─────────┴──────────────────────► the way with layers ◄──────┘

It's for plain HTTP and for what nearly all requests meet: a service that has room, a connection that rests, an answer that
comes. It keeps the same books as the layers of `shaping` (the same line, the same budget of retries), so that both ways may be
used at the same time. As soon as anything else happens, a task goes on with those layers, which can wait and try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from router.executor import clock
from router.executor.concurrency import Limiter
from router.executor.http1 import Connection, Http1Exchange, Pool, request_head
from router.executor.retries import STATUSES, Retried
from router.executor.transport import Answer, Carrier, Post, SubgraphRequest, TimedOut, TransportFailure, Unavailable

Outcome = Answer | TransportFailure
Done = Callable[[Outcome], None]
Key = tuple[str, bytes, bytes]

log = structlog.get_logger(__name__)


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Told:
    """What a service is told besides the body, as lines: `constant` for one caller, and what names the request."""

    constant: bytes
    own: bytes
    headers: Callable[[], Mapping[str, str]]
    """Gives the same, one by one."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Parcel:
    """One request to one service over plain HTTP."""

    url: str
    body: bytes
    told: Told
    is_query: bool


class Started(Protocol):
    """A request that is on its way."""

    def cancel(self) -> None:
        """Forget it: nobody is told anything any more."""


class Direct:
    """The short way to one service; `carrier` is the long one, without its sharing."""

    def __init__(
        self,
        service: str,
        exchange: Http1Exchange,
        carrier: Carrier,
        observe: Callable[[str, str], None],
        *,
        limiter: Limiter | None = None,
        retried: Retried | None = None,
        timeout_seconds: float = 15.0,
        deadline_header: str | None = None,
        shares: bool = False,
    ) -> None:
        self.limiter = limiter
        self.retried = retried
        self._service = service
        self._exchange = exchange
        self._carrier = carrier
        self._observe = observe
        self._timeout_seconds = timeout_seconds
        self._deadline_line = f"{deadline_header}: ".encode() if deadline_header else None
        self._flights: dict[Key, _Flight] | None = {} if shares else None
        self._heads: dict[str, bytes] = {}

    def start(self, parcel: Parcel, deadline: float, done: Done) -> Started:
        """Send a request; `done` is told of its outcome, once, and never before this returns.

        Raises `Unavailable` for a URL that is none.
        """
        own = clock.now() + self._timeout_seconds
        deadline = min(deadline, own)
        if parcel.url not in self._heads:
            self._heads[parcel.url] = request_head("POST", parcel.url, Post.HEADERS)
        if self._flights is None or not parcel.is_query:
            return self._begin(parcel, deadline, done)
        key = parcel.url, parcel.body, parcel.told.constant
        flight = self._flights.get(key)
        if flight is not None and flight.deadline > deadline:
            return self._begin(parcel, deadline, done)  # who has less time can't wait for those who have more
        seat = _Seat(done, lambda: self.start(parcel, deadline, done), deadline)
        if flight is None:
            flight = self._flights[key] = _Flight(self._flights, key, deadline)
            flight.take(seat)
            flight.started = self._begin(parcel, deadline, flight.landed)
        else:
            self._observe(self._service, "shared")
            flight.take(seat)
        return seat

    def way_with_layers(self, parcel: Parcel, deadline: float) -> Coroutine[Any, Any, Answer]:
        """Send it on the way that can wait for a place or a connection, and ask again."""
        return self._carrier.carry(self.request(parcel), deadline)

    def request(self, parcel: Parcel) -> SubgraphRequest:
        """Return the request as the layers know it."""
        return SubgraphRequest(self._service, parcel.url, parcel.body, parcel.told.headers(), parcel.is_query)

    def _begin(self, parcel: Parcel, deadline: float, done: Done) -> Started:
        limiter, pool = self.limiter, self._exchange.pool(parcel.url)
        connection = pool.idle()
        if connection is None:
            return _Detour(self.way_with_layers(parcel, deadline), done)
        if limiter is not None and not limiter.enter_now():
            pool.give_back(connection)
            return _Detour(self.way_with_layers(parcel, deadline), done)
        if self.retried is not None and parcel.is_query:
            self.retried.budget.requested()
        ride = _Ride(self, pool, connection, parcel, deadline, done)
        connection.start(self._written(parcel, deadline), deadline, ride.landed)
        return ride

    def _written(self, parcel: Parcel, deadline: float) -> bytes:
        head, told, body = self._heads[parcel.url], parcel.told, parcel.body
        if self._deadline_line is None:
            ends = b"content-length: %d\r\n\r\n" % len(body)
        else:
            left = max(1, int((deadline - clock.now()) * 1000))
            ends = b"%b%d\r\ncontent-length: %d\r\n\r\n" % (self._deadline_line, left, len(body))
        return b"".join((head, told.constant, told.own, ends, body))


class _Ride:
    """One request on one connection."""

    __slots__ = ("_connection", "_deadline", "_detour", "_direct", "_done", "_parcel", "_pool")

    def __init__(
        self, direct: Direct, pool: Pool, connection: Connection, parcel: Parcel, deadline: float, done: Done
    ) -> None:
        self._direct = direct
        self._pool = pool
        self._connection = connection
        self._parcel = parcel
        self._deadline = deadline
        self._done = done
        self._detour: _Detour | None = None

    def landed(self, outcome: Outcome) -> None:
        """Take the outcome: it's handed on, or asked again."""
        direct, is_query = self._direct, self._parcel.is_query
        self._pool.give_back(self._connection)
        if direct.limiter is not None:
            direct.limiter.settle(outcome)
        retried = direct.retried
        if retried is not None and is_query and _may_pass(outcome):
            again = retried.carry_on(direct.request(self._parcel), self._deadline, outcome)
            self._detour = _Detour(again, self._done)
        else:
            self._done(outcome)

    def cancel(self) -> None:
        """Take the connection down: what comes on it is for nobody."""
        if self._detour is not None:
            self._detour.cancel()
        elif self._connection.leave():
            self._pool.give_back(self._connection)
            if self._direct.limiter is not None:
                self._direct.limiter.leave()


def _may_pass(outcome: Outcome) -> bool:
    return outcome.may_pass if isinstance(outcome, TransportFailure) else outcome.status in STATUSES


class _Detour:
    """A request that a task takes care of."""

    __slots__ = ("_done", "_task")

    def __init__(self, work: Coroutine[Any, Any, Answer], done: Done) -> None:
        self._done: Done | None = done
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, Answer]) -> None:
        outcome: Outcome
        try:
            outcome = await work
        except TransportFailure as failure:
            outcome = failure
        except Exception:
            log.exception("request.failed")
            outcome = Unavailable("the request could not be sent")
        if self._done is not None:
            self._done(outcome)

    def cancel(self) -> None:
        """End the task."""
        self._done = None
        self._task.cancel()


class _Flight:
    """A request that several wait for; it ends when the last of them has left."""

    __slots__ = ("_flights", "_key", "_seats", "deadline", "started")

    def __init__(self, flights: dict[Key, _Flight], key: Key, deadline: float) -> None:
        self._flights = flights
        self._key = key
        self._seats: list[_Seat] = []
        self.deadline = deadline
        self.started: Started | None = None

    def take(self, seat: _Seat) -> None:
        """Let one more wait."""
        seat.flight = self
        self._seats.append(seat)

    def leave(self, seat: _Seat) -> None:
        """Let one leave."""
        self._seats.remove(seat)
        if not self._seats and self.started is not None:
            del self._flights[self._key]
            self.started.cancel()

    def landed(self, outcome: Outcome) -> None:
        """Tell all who wait."""
        del self._flights[self._key]
        seats, self._seats = self._seats, []
        for seat in seats:
            seat.flight = None
            seat.landed(outcome)


class _Seat:
    """One of those who wait for a request."""

    __slots__ = ("_again", "_deadline", "_done", "_started", "flight")

    def __init__(self, done: Done, again: Callable[[], Started], deadline: float) -> None:
        self._done: Done | None = done
        self._again = again
        self._deadline = deadline
        self._started: Started | None = None
        self.flight: _Flight | None = None

    def landed(self, outcome: Outcome) -> None:
        """Take the outcome; a deadline that passed was that of whoever began, and if ours is later, we ask ourselves."""
        if self._done is None:
            return
        if isinstance(outcome, TimedOut) and clock.now() < self._deadline:
            self._started = self._again()
        else:
            self._done(outcome)

    def cancel(self) -> None:
        """Leave."""
        self._done = None
        if self.flight is not None:
            self.flight.leave(self)
        elif self._started is not None:
            self._started.cancel()
