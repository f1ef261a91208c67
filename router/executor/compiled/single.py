"""Runs a compiled plan of one fetch, which is what most operations are: nothing to put in order, nobody to wait for.

    one request ──► one answer ──► checked and put in the client's order
                         └── not as assumed? ──► the general executor, with what came

It does what `DirectRun` does, and keeps the same books; what it has no need of is who waits for whom.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog

from router.executor import clock
from router.executor.compiled.direct import Ways, known_of, read
from router.executor.compiled.folding import written
from router.executor.compiled.program import Program, Request
from router.executor.compiled.run import clean
from router.executor.compiled.typed import Typed
from router.executor.compiled.visitors import Group, Tables, Unfit
from router.executor.direct import Outcome, Parcel, Started, Told
from router.executor.fetch import OK, Call, FetchRecord, Known, Services
from router.executor.spending import Spending
from router.executor.transport import SubgraphResponse, TransportFailure, graphql_response

log = structlog.get_logger(__name__)


class SingleRun:
    """One operation of one fetch while it runs; `done` is told once, of a run that fits or of one that another has to answer."""

    __slots__ = (
        "_began",
        "_call",
        "_done",
        "_program",
        "_services",
        "_spending",
        "_started",
        "_typed",
        "data",
        "fits",
        "known",
    )

    def __init__(
        self,
        program: Program,
        services: Services,
        call: Call,
        spending: Spending,
        done: Callable[[SingleRun], None],
        typed: Typed | None = None,
    ) -> None:
        self._program = program
        self._services = services
        self._call = call
        self._spending = spending
        self._done: Callable[[SingleRun], None] | None = done
        self._started: Started | None = None
        self._began = 0.0
        self._typed = typed
        self.data: Any = None
        self.known: list[Known] = []
        self.fits = True

    def begin(self, told: Callable[[str], Told], ways: Ways) -> None:
        """Send the request."""
        program, call = self._program, self._call
        program.ran += 1
        if self._typed is not None:
            self._typed.ran += 1
        request: Request = program.schedule.requests[0]
        service = request.fetch.service_name
        direct, url = ways[service]
        self._began = time.perf_counter()
        try:
            self._spending.request(request.fetch)
            parcel = Parcel(url, request.body(call.variables), told(service), is_query=True)
            own = clock.now() + self._services.timeout_seconds
            self._started = direct.start(parcel, min(call.deadline, own), self._landed)
        except TransportFailure as failure:
            self._end(Known(request.fetch, {}, failure))
        except TypeError:  # a file among the variables travels beside the JSON
            self._end(None)

    def written(self) -> bytes:
        """Write the answer, of a run that fits and was read into records."""
        return written(self.data)

    def cancel(self) -> None:
        """Drop it: nobody wants the answer any more."""
        self._done = None
        if self._started is not None:
            self._started.cancel()

    def _landed(self, outcome: Outcome) -> None:
        self._started = None
        if self._done is None:
            return
        request: Request = self._program.schedule.requests[0]
        code, said = OK, outcome
        try:
            if self._typed is not None:
                self._take_typed(request, outcome, self._typed)
            else:
                self._take(request, self._read(request, outcome))
        except TransportFailure as failure:
            code, said, self.fits = failure.code, failure, False
        except (Unfit, KeyError, TypeError):
            self.fits = False
        except Exception:
            log.exception("request.failed")  # the general executor does without
            self.fits = False
        self._call.observe(FetchRecord(request.fetch.service_name, time.perf_counter() - self._began, code))
        if self.fits:
            done, self._done = self._done, None
            done(self)
        else:
            self._end(known_of(request.fetch, said))

    def _read(self, request: Request, outcome: Outcome) -> SubgraphResponse:
        if isinstance(outcome, TransportFailure):
            raise outcome
        response = graphql_response(outcome)
        self._spending.answer(request.fetch.service_name, response.size)
        return response

    def _take(self, request: Request, response: SubgraphResponse) -> None:
        program = self._program
        data, name = program.root.copy(), program.root_type
        request.fills[name]([clean(response)], [Group(name, {}, [data])], Tables(program.tables))
        self.data = data

    def _take_typed(self, request: Request, outcome: Outcome, typed: Typed) -> None:
        if isinstance(outcome, TransportFailure):
            raise outcome
        self._spending.answer(request.fetch.service_name, len(outcome.body))
        self.data = read(typed.readings[0].decoder, outcome)

    def _end(self, known: Known | None) -> None:
        """Let another one answer, who need not ask again."""
        done, self._done = self._done, None
        self.fits = False
        (self._typed or self._program).unfit += 1
        self.known = [] if known is None else [known]
        if done is not None:
            done(self)
