"""Equal queries of clients that are at work at the same time are executed once, and their answer goes to all who asked.

    client A ─┐  graph, operation, variables, caller, headers: all equal
    client B ─┼─► one execution ──► one answer, written for each with its own ids
    client C ─┘

Everything that could change the answer is part of what has to be equal: the schema and the overrides that are active (an
operation belongs to both), what the caller may see (that, too), who they are and for which tenant (their verified claims), the
variables, and every header that they sent but those which only name the request. Mutations are never shared, and neither is
what somebody watches or keeps books of: hooks, a bill, an answer that is being kept.

Whoever asks first does the work. When they leave before it's done, one of those who wait begins anew. A failure is everybody's,
but for a deadline, which was one client's own. What a subgraph says to one client alone (a cookie) stays with that client: then
the others ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.datastructures import Headers

from router.executor.execute import Result
from router.server.access_log import Facts
from router.server.head import Head

if TYPE_CHECKING:
    from router.executor.execute import Begun
    from router.executor.operation import Operation
    from router.server.authentication import Caller

_NAMES_THE_REQUEST: Final = frozenset({b"content-length", b"traceparent", b"tracestate", b"x-request-id"})
_FOR_ONE_CLIENT: Final = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})
_KEPT: Final = "headers that tell requests apart"

Key = tuple[int, bytes, bytes, tuple[tuple[bytes, bytes], ...]]
Lines = tuple[tuple[str, str], ...]
Done = Callable[["Result | Exception"], None]
Begin = Callable[[Done], "Begun | None"]
"""Begins the work without a task; None where that can't be."""
Returned = Sequence[Callable[[], Iterable[tuple[str, str]]]]
"""Gives what the subgraphs of an operation said in headers of theirs."""


@dataclass(frozen=True, slots=True)
class Landed:
    """An answer, and what the subgraphs said beside it; no result where it's for nobody but its own client."""

    result: Result | None
    lines: Lines = ()


class _Flight:
    """One execution, and those who wait for it: each of them may leave without taking it along."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[Landed | None]] = []

    def landed(self) -> asyncio.Future[Landed | None]:
        """Wait for what comes of it: None when it came to no end."""
        waiting: asyncio.Future[Landed | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    def end(self, landed: Landed | None) -> None:
        """Tell all who still wait."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(landed)

    def fail(self, fault: Exception) -> None:
        """Tell them what went wrong."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(fault)


class Sharing:
    """The queries that are at work now."""

    def __init__(self, count: Callable[[], None], shares: Callable[[frozenset[str]], bool]) -> None:
        self._count = count
        self._shares = lru_cache(maxsize=1024)(shares)
        self._flights: dict[Key, _Flight] = {}

    def key(
        self, operation: Operation, variables: Mapping[str, Any], caller: Caller | None, headers: Headers
    ) -> Key | None:
        """Return all that could change the answer; None where it's not to be shared, or that can't be told."""
        if not self._shares(operation.demand.names):
            return None
        try:
            given = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS) if variables else b""
        except TypeError:  # files came along
            return None
        # Who is at work holds the operation, so that no other one has its number meanwhile.
        return id(operation), given, caller.digest if caller else b"", _telling(headers)

    async def run(
        self, key: Key, facts: Facts, returned: Returned, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result:
        """Wait for an equal query that is at work, or do the work for all that come meanwhile."""
        while (flight := self._flights.get(key)) is not None:
            landed = await flight.landed()
            if landed is not None and landed.result is None:
                return await work()
            if landed is not None and landed.result is not None:
                self.share(facts, landed)
                return landed.result
        return await self._begun(key, returned, work)

    def begin(self, key: Key, facts: Facts, returned: Returned, work: Begin, done: Done) -> Begun | Joined | None:
        """Do the same without a task: `done` is told what comes of it; None where the work needs one."""
        flight = self._flights.get(key)
        if flight is not None:
            return Joined(self, (key, facts, returned, work), flight.landed(), done)
        flight = _Flight()

        def landed(outcome: Result | Exception) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if isinstance(outcome, Exception):
                flight.fail(outcome)
            else:
                flight.end(_landed(outcome, returned))
            done(outcome)

        begun = work(landed)
        if begun is not None and not begun.is_done:
            self._flights[key] = flight
            begun.left = partial(self._left, key, flight)
        return begun

    def _left(self, key: Key, flight: _Flight) -> None:
        """Whoever asked first has left: one of those who wait begins anew."""
        del self._flights[key]
        flight.end(None)

    def share(self, facts: Facts, landed: Landed) -> None:
        """Note that a request was answered by an equal one."""
        self._count()
        facts.shared = True
        if landed.lines:
            facts.returned.append(partial(iter, landed.lines))

    async def _begun(self, key: Key, returned: Returned, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        flight = self._flights[key] = _Flight()
        try:
            result = await work()
        except Exception as fault:
            del self._flights[key]
            flight.fail(fault)
            raise
        except BaseException:
            del self._flights[key]
            flight.end(None)
            raise
        del self._flights[key]
        flight.end(_landed(result, returned))
        return result


class Joined:
    """Somebody who waits for an equal query, without a task."""

    __slots__ = ("_asked", "_begun", "_done", "_sharing")

    def __init__(
        self,
        sharing: Sharing,
        asked: tuple[Key, Facts, Returned, Begin],
        landing: asyncio.Future[Landed | None],
        done: Done,
    ) -> None:
        self._sharing = sharing
        self._asked = asked
        self._done: Done | None = done
        self._begun: Begun | Joined | None = None
        landing.add_done_callback(self._landed)

    def _landed(self, landing: asyncio.Future[Landed | None]) -> None:
        """Take the answer of the other one, or ask for oneself where it's not for us or there is none."""
        done, fault = self._done, landing.exception()
        if done is None:
            return
        if isinstance(fault, Exception):
            done(fault)
            return
        landed, (_, facts, _, work) = landing.result(), self._asked
        if landed is not None and landed.result is not None:
            self._sharing.share(facts, landed)
            done(landed.result)
            return
        self._begun = work(done) if landed is not None else self._sharing.begin(*self._asked, done)
        if self._begun is None:
            done(RuntimeError("what an equal query could do without a task this one can't"))

    def cancel(self) -> None:
        """Leave; nobody is told anything."""
        self._done = None
        if self._begun is not None:
            self._begun.cancel()


def _landed(result: Result, returned: Returned) -> Landed:
    lines = tuple([line for said in returned for line in said()])
    own = any(name in _FOR_ONE_CLIENT for name, _ in lines)
    return Landed(None) if own else Landed(result, lines)


def _telling(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that tell requests apart; equal heads are often one, which remembers them."""
    notes = headers.notes if isinstance(headers, Head) else {}
    if _KEPT not in notes:
        notes[_KEPT] = tuple([header for header in headers.raw if header[0] not in _NAMES_THE_REQUEST])
    kept: tuple[tuple[bytes, bytes], ...] = notes[_KEPT]
    return kept
