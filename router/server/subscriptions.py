"""All subscriptions that are open: equal ones share a source, and nobody holds more than is allowed.

    subgraph ──stream──► source ──► answer of the event, made once ──┬──► subscription ──► WebSocket, SSE, multipart
                                                                      ├──► subscription
                                                                      └──► subscription

A source is what one stream of a subgraph becomes: its task takes an event, has the rest of the answer fetched, and gives the
bytes to all who subscribed to the same thing with the same rights. It takes the next event only then, so a subgraph that
is faster than we are waits. It ends with its last subscriber, and the subgraph is told.

A subscription is a queue for one client. It's bounded and never makes the source wait: a client that is slower than its
queue is long is disconnected with SUBSCRIPTION_TOO_SLOW, because events that silently go missing are worse than a
client that knows it has to subscribe again.

    breaks     the stream is opened again after a pause, a few times; what happened meanwhile is lost, and nobody is told
    reload     a new supergraph: the operation is prepared again. When it still opens the same stream, the source goes on
               with the new plan, and clients notice nothing; otherwise they get SUBSCRIPTION_SCHEMA_RELOAD
    token      expired or revoked: see `presence`
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

import orjson
import structlog

from router.executor.errors import Faults
from router.executor.execute import Result
from router.executor.streams import Stream, StreamBroken, StreamRefused
from router.executor.subscribe import opening, respond, stream_of
from router.executor.transport import SubgraphResponse, TransportFailure
from router.planner.query_plan import Fetch, Flatten, PlanNode
from router.planner.query_plan import Subscription as SubscriptionPlan
from router.server.config import RouterConfig
from router.server.config.subscriptions import Reconnect
from router.server.metrics import Metrics
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.refusals import Refused
from router.server.reload import Graphs
from router.server.request import GraphQLRequest

_VOLATILE: Final = frozenset({"traceparent", "tracestate", "x-request-id", "idempotency-key"})

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class End:
    """Why nothing more comes; without errors because the service said so."""

    errors: tuple[Mapping[str, Any], ...] = ()

    @staticmethod
    def because(code: str, message: str, **extensions: Any) -> End:
        """End with one error of ours."""
        return End(({"message": message, "extensions": {"code": code, **extensions}},))


COMPLETE: Final = End()
TOO_SLOW: Final = End.because("SUBSCRIPTION_TOO_SLOW", "Events came faster than they were taken; subscribe again.")
RELOAD: Final = End.because(
    "SUBSCRIPTION_SCHEMA_RELOAD", "The schema has changed what this subscription needs; subscribe again."
)
_INTERNAL: Final = End.because("INTERNAL", "An internal error happened.")


class Subscription:
    """What waits for one client, in order; `overflowed` is set when it was too slow."""

    def __init__(self, capacity: int, leave: Callable[[Subscription], None]) -> None:
        self._capacity = capacity
        self._leave = leave
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._end: End | None = None
        self.overflowed = asyncio.Event()

    def offer(self, payload: bytes) -> None:
        """Add an answer, or end it all when there is no room."""
        if self._end is not None:
            return
        if len(self._waiting) >= self._capacity:
            self.end(TOO_SLOW, at_once=True)
            self.overflowed.set()
            return
        self._waiting.append(payload)
        self._news.set()

    def end(self, end: End, *, at_once: bool = False) -> None:
        """Let nothing more come; `at_once` takes away what waits, too."""
        if at_once:
            self._waiting.clear()
        if self._end is None or at_once:
            self._end = end
        self._news.set()

    async def next(self, patience: float | None = None) -> bytes | End | None:
        """Return the next answer as JSON, or the end; None when nothing came for so many seconds."""
        while not self._waiting and self._end is None:
            self._news.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else self._end

    def close(self) -> None:
        """Leave: the client is gone, or has what it wanted."""
        self._leave(self)


@dataclass(slots=True, eq=False)
class Source:
    """One stream of a subgraph, and all who get what it brings."""

    key: bytes
    request: GraphQLRequest
    client: Client
    prepared: Prepared
    subscribers: set[Subscription] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    verdict: End = COMPLETE
    """What subscribers are told when the task is cancelled."""

    def finish(self, verdict: End) -> None:
        """End it for all."""
        self.verdict = verdict
        if self.task is not None:
            self.task.cancel()


class Subscriptions:
    """The sources of one router; they live between `running`'s begin and end."""

    def __init__(
        self, config: RouterConfig, pipeline: Pipeline, graphs: Graphs, streams: Stream, metrics: Metrics
    ) -> None:
        self.settings = config.subscriptions
        self._event_seconds = config.request_timeout_seconds
        self._open_seconds = config.subgraphs.timeout_seconds
        self._pipeline = pipeline
        self._graphs = graphs
        self._streams = streams
        self._metrics = metrics
        self._sources: dict[bytes, Source] = {}
        self._group: asyncio.TaskGroup | None = None
        self._swapped = asyncio.Event()
        self.opened = 0

    @property
    def sources(self) -> int:
        """How many streams are open towards subgraphs."""
        return len(self._sources)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let subscriptions be opened during the block; at its end all are over."""
        async with asyncio.TaskGroup() as self._group:
            following = self._group.create_task(self._follow(), name="subscriptions follow the schema")
            stop = self._graphs.watch(self._swapped.set)
            try:
                yield
            finally:
                stop()
                following.cancel()
                for source in list(self._sources.values()):
                    source.finish(COMPLETE)
        self._group = None

    async def executed(self, prepared: Prepared) -> Result:
        """Run a query or a mutation; a mutation that was begun is finished, whether its client waits or not."""
        if prepared.is_mutation:
            return await asyncio.shield(self.spawn(prepared.execute(), "mutation"))
        return await prepared.execute()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run something that outlives the request that it began with, but not us."""
        if self._group is None:
            work.close()
            raise Refused("SUBSCRIPTION_DISABLED", "Subscriptions are not answered here.")
        return self._group.create_task(work, name=name)

    def open(self, prepared: Prepared, request: GraphQLRequest, client: Client) -> Subscription:
        """Subscribe; raises `Refused` when there are too many already."""
        if not self.settings.enabled:
            raise Refused("SUBSCRIPTION_DISABLED", "Subscriptions are not answered here.")
        if self.opened >= self.settings.max_opened_subscriptions:
            raise Refused("SUBSCRIPTION_MAX_LIMIT", "can't open new subscription, limit reached")
        source = self._source(prepared, request, client)

        def leave(subscription: Subscription) -> None:
            if subscription in source.subscribers:
                source.subscribers.discard(subscription)
                self._count(-1)
                if not source.subscribers:
                    self._forget(source)
                    source.finish(COMPLETE)

        subscription = Subscription(self.settings.queue_capacity, leave)
        source.subscribers.add(subscription)
        self._count(1)
        return subscription

    def _count(self, change: int) -> None:
        self.opened += change
        self._metrics.subscriptions(change)

    def _source(self, prepared: Prepared, request: GraphQLRequest, client: Client) -> Source:
        key = self._key(prepared, request, client)
        known = self._sources.get(key)
        if known is not None:
            return known
        source = Source(key, request, client, self._unobserved(prepared))
        source.task = self.spawn(self._run(source), "subscription")
        # Not at the end of `_run`, which a task that is cancelled before its first step never reaches.
        source.task.add_done_callback(lambda _task: self._ended(source))
        self._sources[key] = source
        if prepared.graph is not self._graphs.current:
            self._swapped.set()  # it was prepared a moment before
        return source

    def _unobserved(self, prepared: Prepared) -> Prepared:
        """Keep no record of each fetch: the request that they would belong to may last for days."""
        return replace(prepared, call=replace(prepared.call, observe=self._metrics.fetched, received=None))

    def _key(self, prepared: Prepared, request: GraphQLRequest, client: Client) -> bytes:
        """Digest all that makes a difference to what the subgraphs answer."""
        if not self.settings.deduplication.enabled:
            return secrets.token_bytes(16)
        ignored = _VOLATILE | {name.lower() for name in self.settings.deduplication.ignored_headers}
        if client.caller is not None:
            ignored |= {"authorization"}  # the token that we sign for the caller, whose digest stands below
        told = {
            service: sorted(
                (name.lower(), value)
                for name, value in prepared.call.headers(service).items()
                if name.lower() not in ignored
            )
            for service in sorted(_services(stream_of(prepared.operation)))
        }
        caller = client.caller.digest.hex() if client.caller else None
        withheld = [list(path) for path in prepared.operation.withheld]
        operation = prepared.operation
        asked = [operation.digest, operation.name, dict(request.variables), withheld, id(prepared.graph)]
        facts = [asked, caller, told]
        return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).digest()

    def _forget(self, source: Source) -> None:
        if self._sources.get(source.key) is source:
            del self._sources[source.key]

    async def _run(self, source: Source) -> None:
        try:
            source.verdict = await self._pump(source)
        except Exception:
            log.exception("subscription.failed", operation=source.prepared.operation.name)
            source.verdict = _INTERNAL

    def _ended(self, source: Source) -> None:
        self._forget(source)
        self._metrics.errors(_codes(source.verdict.errors))
        for subscription in source.subscribers:
            subscription.end(source.verdict)

    async def _pump(self, source: Source) -> End:
        """Bring events until the service has no more, or until opening its stream again has failed too often."""
        failures, was_open = 0, False
        while True:
            try:
                prepared = source.prepared
                request = opening(prepared.operation, prepared.graph.services, prepared.call)
                reconnect = self.settings.reconnecting(request.service)
                deadline = asyncio.get_running_loop().time() + self._open_seconds
                async with self._streams.open(request, deadline) as events:
                    was_open = True
                    async for event in events:
                        failures = 0
                        await self._deliver(event, source)
            except StreamRefused as refused:
                return _refused(refused, source)
            except TransportFailure as failure:
                failures += 1
                if not was_open or failures > reconnect.attempts:
                    return _failed(failure, source)
                log.warning("subscription.interrupted", reason=failure.reason, failures=failures)
            else:
                return COMPLETE
            await asyncio.sleep(_pause(reconnect, failures))

    async def _deliver(self, event: SubgraphResponse, source: Source) -> None:
        """Make one event's answer, once for all who wait for it."""
        now = source.prepared
        try:
            with source.client.facts.trace.stage("subscription_event"):
                async with asyncio.timeout(self._event_seconds):
                    result = await respond(
                        event, now.operation, now.graph.services, now.call, now.conditions, now.masking
                    )
        except TimeoutError:
            error = {"message": "The event took too long to answer.", "extensions": {"code": "GATEWAY_TIMEOUT"}}
            result = Result(None, [error])
        if now.bill is not None:
            result = now.bill.event(result)
        self._metrics.errors(_codes(tuple(result.errors)))
        payload = payload_of(result)
        for subscription in tuple(source.subscribers):
            subscription.offer(payload)

    async def _follow(self) -> None:
        """Bring every source to the supergraph that is served now, one after the other."""
        while True:
            await self._swapped.wait()
            self._swapped.clear()
            for source in list(self._sources.values()):
                if source.prepared.graph is not self._graphs.current:
                    await self._bring_up_to_date(source)

    async def _bring_up_to_date(self, source: Source) -> None:
        try:
            prepared = await self._pipeline.prepare(source.request, source.client, again=True)
        except Refused:
            source.finish(RELOAD)
            return
        before, after = source.prepared.operation.plan.node, prepared.operation.plan.node
        if not _same_stream(before, after):
            source.finish(RELOAD)
            return
        self._forget(source)
        source.prepared = self._unobserved(prepared)
        source.key = self._key(prepared, source.request, source.client)
        self._sources.setdefault(source.key, source)


def _same_stream(before: PlanNode | None, after: PlanNode | None) -> bool:
    match before, after:
        case SubscriptionPlan(primary=one), SubscriptionPlan(primary=other):
            return one == other
        case _:
            return False


def payload_of(result: Result, extensions: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """Write a GraphQL response."""
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = result.errors
    if extensions:
        body["extensions"] = dict(extensions)
    return orjson.dumps(body)


def _pause(settings: Reconnect, failures: int) -> float:
    longest: float = min(settings.most_seconds, settings.first_seconds * 2 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads routers, and is no secret


def _refused(refused: StreamRefused, source: Source) -> End:
    """Pass on why the service wants no more of it, masked as any error of a service."""
    faults = Faults(source.prepared.masking)
    service = stream_of(source.prepared.operation).primary.service_name
    for error in refused.errors or ({},):
        faults.pass_on(service, error, None)
    return End(tuple(faults.errors))


def _failed(failure: TransportFailure, source: Source) -> End:
    service = stream_of(source.prepared.operation).primary.service_name
    facts: dict[str, Any] = {"service": service, "reason": failure.reason}
    if failure.status is not None:
        facts["http"] = {"status": failure.status}
    if isinstance(failure, StreamBroken):
        return End.because(failure.code, f"The service {service} broke off the subscription.", **facts, **failure.facts)
    return End.because(failure.code, f"The service {service} could not be subscribed to.", **facts)


def _codes(errors: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    return (error["extensions"]["code"] for error in errors)


def _services(node: PlanNode | None) -> Iterator[str]:
    """All services that a plan asks."""
    match node:
        case Fetch(service_name=name):
            yield name
        case Flatten(node=inner):
            yield from _services(inner)
        case SubscriptionPlan(primary=primary, rest=rest):
            yield primary.service_name
            yield from _services(rest)
        case None:
            return
        case _:
            for part in _inner(node):
                yield from _services(part)


def _inner(node: PlanNode) -> tuple[PlanNode | None, ...]:
    return getattr(node, "nodes", None) or (getattr(node, "if_clause", None), getattr(node, "else_clause", None))
