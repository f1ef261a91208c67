"""The express lane without a stop: a request that waits for nobody but the subgraphs needs no task.

    known head, known body ─► who? ─► counted ─► operation ready? ─► fetches begun … last answer ─► one write
                               │                       │                  │
                               └── not known yet ──────┴──────────────────┴── then a task takes it from there

Where rates are counted together with other routers, a task waits for the count, and for nothing else.

Everything that is decided is decided by the pipeline; this only goes on from one step to the next in the turn in which it can.
The first request of an operation, of a caller, of a connection to a subgraph meets something that has to be waited for; from
the second one on nearly all of them come through here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from router.executor import clock
from router.executor.execute import Begun, Result
from router.server.access_log import CLIENT_GONE, Facts
from router.server.client_address import client_address
from router.server.known import Known
from router.server.pipeline import Client, Prepared
from router.server.refusals import Refused
from router.server.sharing import Joined

if TYPE_CHECKING:
    from router.server.express import Asked, Express, Reply

log = structlog.get_logger(__name__)


class Nonstop:
    """Begins requests on the lane, where all that they need is there."""

    def __init__(self, express: Express) -> None:
        self._express = express

    def start(self, asked: Asked, landed: Callable[[Reply], None]) -> Journey | None:
        """Begin a request; None where it takes more than this way has, and then nothing has happened.

        `landed` is told of the reply once; it may be before this returns.
        """
        express, head = self._express, asked.known.head
        scope = {"method": "POST", "path": asked.known.path, "client": asked.peer, "psa.head": head}
        address = client_address(scope, express.observer.trusted)
        try:
            known = express.pipeline.known_now(asked.request, head, address)
        except Exception:  # noqa: BLE001 - whoever waits for what it takes meets it, too, and says so
            return None
        if known is None:
            return None
        journey = Journey(express, asked, scope, address, landed)
        journey.begin(known)
        return journey


def _nobody(_reply: Reply) -> None:
    """Be told when nobody is."""


class Journey:
    """One request on its way."""

    __slots__ = (
        "_asked",
        "_begun",
        "_express",
        "_facts",
        "_landed",
        "_prepared",
        "_scope",
        "_started",
        "_task",
        "_within",
    )

    def __init__(
        self,
        express: Express,
        asked: Asked,
        scope: dict[str, Any],
        address: str | None,
        landed: Callable[[Reply], None],
    ) -> None:
        self._express = express
        self._asked = asked
        self._scope = scope
        self._landed = landed
        self._started = time.perf_counter()
        self._facts: Facts = express.observer.began(scope, address)
        self._begun: Begun | Joined | None = None
        self._task: asyncio.Task[None] | None = None
        self._prepared: Prepared | None = None
        self._within = False

    def begin(self, known: Known) -> None:
        """Check it and begin its fetches."""
        express, asked, facts = self._express, self._asked, self._facts
        asked.alarm.set(clock.now() + express.seconds)
        try:
            express.admission.enter()
            self._within = True
            client = Client(asked.known.head, facts, known.caller)
            if express.pipeline.counts_now:
                self._fetch(client, known)
            else:
                self._go_on(self._counted(client, known))
        except Refused as refused:
            self._refuse(refused)
        except Exception as fault:  # noqa: BLE001 - it is said in `_broken`
            self._broken(fault)

    async def _counted(self, client: Client, known: Known) -> None:
        """Wait for those with whom the count is shared; the rest goes without a stop again."""
        client.facts.tenant, client.facts.caller = known.tenant, known.subject
        await self._express.pipeline.count(client)
        self._fetch(client, known, is_counted=True)

    def _fetch(self, client: Client, known: Known, *, is_counted: bool = False) -> None:
        express, asked = self._express, self._asked
        prepared = self._prepared = express.pipeline.prepare_now(asked.request, client, known, is_counted=is_counted)
        if prepared.is_subscription:
            express.streams.answer(prepared, asked.request, client)  # refuses: nobody comes here who takes a stream
        asked.may_leave = not prepared.is_mutation
        self._begun = prepared.begin(self._done)
        if self._begun is None:
            self._go_on(self._executed(prepared))

    async def _executed(self, prepared: Prepared) -> None:
        """Wait for what can't do without a task."""
        result = await prepared.execute()
        self._leave()
        await self._reply(self._express.good(prepared, result, self._asked.known, self._facts))

    def _done(self, outcome: Result | Exception) -> None:
        """Answer at once where nothing is to be added to the usual head."""
        self._leave()
        if isinstance(outcome, Refused):
            self._refuse(outcome)
        elif isinstance(outcome, Exception) or self._prepared is None:
            self._broken(outcome)
        else:
            try:
                reply = self._express.good_now(self._prepared, outcome, self._asked.known, self._facts)
            except Exception as fault:  # noqa: BLE001 - it is said in `_broken`
                self._broken(fault)
                return
            if reply is None:
                good = self._express.good(self._prepared, outcome, self._asked.known, self._facts)
                self._go_on(self._reply(good))
            else:
                self._end(reply)

    def _refuse(self, refused: Refused) -> None:
        self._leave()
        self._go_on(self._reply(self._express.refusal(refused, self._asked.known, self._facts)))

    def _broken(self, fault: object) -> None:
        self._leave()
        trace_id = self._facts.trace.trace_id
        log.error("request.failed", exc_info=fault, **{"trace.id": trace_id})
        self._refuse(Refused("INTERNAL", "An internal error happened.", traceId=trace_id))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Refused as refused:
            self._refuse(refused)
        except Exception as fault:  # noqa: BLE001 - it is said in `_broken`
            self._broken(fault)

    async def _reply(self, reply: Coroutine[Any, Any, Reply]) -> None:
        self._end(await reply)

    def _end(self, reply: Reply) -> None:
        self._leave()
        self._asked.may_leave = False
        self._express.observer.ended(self._scope, self._facts, reply.status, time.perf_counter() - self._started)
        # Whoever refers to whom in a ring stays in memory until somebody looks for rings: this one is opened.
        landed, self._landed, self._begun = self._landed, _nobody, None
        landed(reply)

    def _leave(self) -> None:
        """What follows is only written: it has no deadline, and takes no place of another."""
        self._asked.alarm.clear()
        if self._within:
            self._within = False
            self._express.admission.leave()

    def _stop(self) -> None:
        if self._begun is not None:
            self._begun.cancel()
        if self._task is not None:
            self._task.cancel()

    def late(self) -> None:
        """Its time is up."""
        self._stop()
        self._refuse(Refused("GATEWAY_TIMEOUT", "Your request has been timed out."))

    def abandon(self) -> None:
        """The client has gone: nobody is told anything any more."""
        self._stop()
        self._leave()
        self._express.observer.ended(self._scope, self._facts, CLIENT_GONE, time.perf_counter() - self._started)
