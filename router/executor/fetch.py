"""Runs one fetch of the plan: builds the request, sends it, merges the answer, blames the right place when it fails."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from router.executor import clock, merge, uploads
from router.executor.asked import Asked, clients_words
from router.executor.blame import asked, first_missing, led
from router.executor.contexts import hand_down
from router.executor.direct import Direct, Told
from router.executor.entities import Entity, batches, collect, rename
from router.executor.errors import Faults, ResponsePath
from router.executor.nesting import too_deep
from router.executor.operation import Operation
from router.executor.paths import Position, positions
from router.executor.spending import Spending, SpendingLimits
from router.executor.transport import (
    EntitiesAsked,
    Malformed,
    SubgraphRequest,
    SubgraphResponse,
    Transport,
    TransportFailure,
    Unavailable,
)
from router.executor.types import RuntimeTypes
from router.executor.uploads import Form
from router.planner.query_plan import Fetch, Path

OK = "OK"


@dataclass(frozen=True, slots=True)
class Services:
    """The subgraphs of one supergraph and how to talk to them."""

    urls: Mapping[str, str]
    types: RuntimeTypes
    transport: Transport
    timeout_seconds: float = 15.0
    max_representations: int = 1000
    spending: SpendingLimits = field(default_factory=SpendingLimits)
    direct: Callable[[str], Direct | None] = lambda _service: None
    """Gives the short way to a service, where there is one."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class FetchRecord:
    """One request to a subgraph, for metrics and the access log; `outcome` is OK or a code."""

    service: str
    seconds: float
    outcome: str


Send = Callable[[bytes | Form, int], Awaitable[SubgraphResponse]]
"""Asks a service; the number says what was invalidated until then."""


Traced = Callable[[Fetch, ResponsePath, int, int, Awaitable[SubgraphResponse]], Awaitable[SubgraphResponse]]
"""Waits for an answer and looks at it."""


class FetchCache(Protocol):
    """Answers fetches from what is kept."""

    async def answer(self, node: Fetch, body: bytes | Form, send: Send) -> SubgraphResponse:
        """Answer, asking the service for what isn't kept; raises `TransportFailure`."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Call:
    """What one client's request brings along: its variables, and headers for each service."""

    variables: Mapping[str, Any]
    headers: Callable[[str], Mapping[str, str]]
    observe: Callable[[FetchRecord], None]
    deadline: float = math.inf
    """When the client's patience ends, in the loop's time."""
    received: Callable[[Fetch, SubgraphResponse], None] | None = None
    """Told of each answer before it is merged."""
    cache: FetchCache | None = None
    """What is kept of answers, where anything is."""
    traced: Traced | None = None
    """Looks on while an answer is waited for: of which fetch, where, for how many places, with how many entities."""
    told: Callable[[str], Told] | None = None
    """The headers for each service as lines, where nobody decides about them request by request."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a fetch brought, or why it brought nothing; `own` are its variables beyond the client's."""

    node: Fetch
    own: Mapping[str, Any]
    outcome: SubgraphResponse | TransportFailure


@dataclass(slots=True)
class Run:
    """One operation while it runs: the data grow, and so do the faults."""

    operation: Operation
    services: Services
    call: Call
    conditions: Mapping[str, Any]
    faults: Faults
    spending: Spending
    data: dict[str, Any] = field(default_factory=dict)
    arrived: Callable[[str | None], None] = lambda _id: None
    """Told of each fetch that is done, by the id that it has in the plan if others wait for it."""
    known: dict[tuple[int, bytes], SubgraphResponse | TransportFailure] = field(default_factory=dict)
    """What was fetched before this run began; each answer is used once, and nothing of it is fetched again."""

    def remember(self, known: Iterable[Known]) -> None:
        """Take over what somebody else has fetched for this operation."""
        self.known = {_known_as(each.node, each.own): each.outcome for each in known}

    def found(self, path: Path) -> list[Position]:
        """Return the objects at a path of the plan, as the data stand now."""
        return list(positions(Position(self.data, ()), path, self.services.types))


async def fetch(node: Fetch, path: Path, run: Run) -> None:
    """Run one fetch for the objects at `path`; a failure is noted in the faults and nowhere else."""
    found = run.found(path)
    if node.requires:
        await _fetch_entities(node, found, run)
    elif found:
        await _fetch_root(node, found, run)


async def _fetch_root(node: Fetch, found: Sequence[Position], run: Run) -> None:
    try:
        response = await _send(node, {}, run, found)
    except TransportFailure as failure:
        _blame(node, found, failure, run)
        return
    take(node, found, response, run)


def take(node: Fetch, found: Sequence[Position], response: SubgraphResponse, run: Run) -> None:
    """Merge what a service says of a root type, and pass on its errors; `found` are the objects it's merged into."""
    # A plan may enter a root type again below a field (a mutation's payload that has `query: Query`).
    base = found[0].path
    whole = asked(node, run.operation)
    if response.data is None:
        run.faults.taint((position.path for position in found), whole)
    missing = first_missing(node, base, run.operation) if response.data is None else None
    for error in response.errors:
        where = led(response.data, _raw_path(error), _error_path(node, error), whole)
        run.faults.pass_on(node.service_name, error, (*base, *where) if where else missing)
        _taint_below(response.data, _raw_path(error)[: len(where)], where, found, whole, run)
    if response.data is not None:
        run.operation.text_of(node).sent.cut(response.data)
        rename(response.data, node.output_rewrites, run.services.types)
        for position in found:
            merge.into(position.value, response.data, run.services.types.objects)


async def _fetch_entities(node: Fetch, found: Iterable[Position], run: Run) -> None:
    handed = hand_down(found, node.context_rewrites, run.data, run.services.types)
    collected = [collect(group.positions, node, run.services.types) for group in handed.groups]
    incomplete = [*handed.incomplete, *(position for one in collected for position in one.incomplete)]
    async with asyncio.TaskGroup() as tasks:
        for group, one in zip(handed.groups, collected, strict=True):
            tasks.create_task(_fetch_collected(node, one.entities, group.values, run))
        if not node.parts or not incomplete:
            _excuse(incomplete, asked(node, run.operation), run.faults)
            return
        # What some objects lack takes from them what needs it, and nothing else: each part is its own fetch for them.
        for part in node.parts:
            tasks.create_task(_fetch_entities(part, incomplete, run))


async def _fetch_collected(node: Fetch, entities: list[Entity], handed: Mapping[str, Any], run: Run) -> None:
    chunks = list(batches(entities, run.services.max_representations))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_send_batch(node, part, handed, run)) for part in chunks]
    failed: list[tuple[list[Entity], TransportFailure]] = []
    for part, task in zip(chunks, tasks, strict=True):
        match task.result():
            case TransportFailure() as failure:
                failed.append((part, failure))
            case response:
                _merge_batch(node, part, response, run)
    if failed:
        lost = [position for part, _ in failed for entity in part for position in entity.positions]
        _blame(node, lost, failed[0][1], run)


def _excuse(incomplete: Iterable[Position], missing: Asked, faults: Faults) -> None:
    """What an earlier failure took away explains what can't be asked for now."""
    near = (position.path for position in incomplete if faults.errors and faults.tainted_near(position.path))
    faults.taint(near, missing)


async def _send_batch(
    node: Fetch, part: Sequence[Entity], handed: Mapping[str, Any], run: Run
) -> SubgraphResponse | TransportFailure:
    """Send one request; a failure is returned, so that it doesn't cancel the other batches."""
    try:
        representations = [entity.representation for entity in part]
        found = [position for entity in part for position in entity.positions] if run.call.traced else []
        response = await _send(node, {**handed, node.representations: representations}, run, found, len(part))
        if response.data is not None:
            _check_entities(response.data, len(part))
    except TransportFailure as failure:
        return failure
    return response


def _check_entities(data: Mapping[str, Any], expected: int) -> None:
    entities = data.get("_entities")
    if not isinstance(entities, list) or len(entities) != expected:
        raise Malformed("`_entities` is not a list with one element for each representation")
    if not all(isinstance(entity, dict | None) for entity in entities):
        raise Malformed("an element of `_entities` is not an object")


def _merge_batch(node: Fetch, part: Sequence[Entity], response: SubgraphResponse, run: Run) -> None:
    _pass_on_entity_errors(node, part, response, run)
    if response.data is None:
        lost = (position.path for entity in part for position in entity.positions)
        run.faults.taint(lost, asked(node, run.operation))
        return
    sent = run.operation.text_of(node).sent
    for entity, answer in zip(part, response.data["_entities"], strict=True):
        if answer is None:
            continue
        sent.cut(answer)
        if node.output_rewrites and "__typename" in entity.positions[0].value:
            # Renames go by type, and of an entity that was asked for by type the answer need not repeat it.
            answer.setdefault("__typename", entity.positions[0].value["__typename"])
            rename(answer, node.output_rewrites, run.services.types)
        for position in entity.positions:
            merge.into(position.value, answer, run.services.types.objects)


def _pass_on_entity_errors(node: Fetch, part: Sequence[Entity], response: SubgraphResponse, run: Run) -> None:
    missing = first_missing(node, part[0].positions[0].path, run.operation) if response.data is None else None
    for error in response.errors:
        match _error_path(node, error):
            case ("_entities", int(index), *rest) if 0 <= index < len(part):
                answer = response.data["_entities"][index] if response.data is not None else None
                raw, whole = _raw_path(error)[2:], asked(node, run.operation)
                where = led(answer, raw, tuple(rest), whole)
                _pass_on_at(node, part[index], where, error, run)
                _taint_below(answer, raw[: len(where)], where, part[index].positions, whole, run)
            case _:
                run.faults.pass_on(node.service_name, error, missing)


def _pass_on_at(node: Fetch, entity: Entity, rest: ResponsePath, error: Mapping[str, Any], run: Run) -> None:
    first, *others = [position.path for position in entity.positions]
    where = (*first, *rest) if rest else first_missing(node, first, run.operation)
    run.faults.pass_on(node.service_name, error, where)
    for path in others:
        run.faults.explain((*path, *rest))


def _taint_below(
    answer: Any, raw: ResponsePath, where: ResponsePath, found: Iterable[Position], whole: Asked, run: Run
) -> None:
    """Say that an error took all that was to come below the null it left: others may have answered there."""
    for depth, step in enumerate((*raw, None)):
        if answer is None:
            run.faults.taint([(*position.path, *where[:depth]) for position in found], whole.at(where[:depth]))
            return
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            return


def _raw_path(error: Mapping[str, Any]) -> ResponsePath:
    """Return the path that the subgraph gave; empty when it gave none that makes sense."""
    path = error.get("path")
    if not isinstance(path, list) or not all(
        isinstance(step, str | int) and step.__class__ is not bool for step in path
    ):
        return ()
    return tuple(path)


def _error_path(node: Fetch, error: Mapping[str, Any]) -> ResponsePath:
    """Return the path that the subgraph gave, in the client's words."""
    word = clients_words(node)
    return tuple(word(step) if isinstance(step, str) else step for step in _raw_path(error))


def _blame(node: Fetch, lost: Sequence[Position], failure: TransportFailure, run: Run) -> None:
    """Report a fetch that brought nothing: one error, at the first place where the client misses something."""
    run.faults.fetch_failed(node.service_name, failure, first_missing(node, lost[0].path, run.operation))
    run.faults.taint((position.path for position in lost), asked(node, run.operation))


async def _send(
    node: Fetch, own: Mapping[str, Any], run: Run, found: Sequence[Position], entities: int = 0
) -> SubgraphResponse:
    if run.call.traced is None:
        return await _sent(node, own, run)
    return await run.call.traced(node, found[0].path, len(found), entities, _sent(node, own, run))


async def _sent(node: Fetch, own: Mapping[str, Any], run: Run) -> SubgraphResponse:
    outcome = run.known.pop(_known_as(node, own), None) if run.known else None
    if outcome is None:
        outcome = await deliver(node, body_of(node, own, run.call.variables), run.services, run.call, run.spending)
    if isinstance(outcome, TransportFailure):
        raise outcome
    if too_deep(outcome.data) or too_deep(outcome.errors):
        raise Malformed("the answer is nested too deep")
    return outcome


def _known_as(node: Fetch, own: Mapping[str, Any]) -> tuple[int, bytes]:
    return id(node), orjson.dumps(own)


def deliver(
    node: Fetch,
    body: bytes | Form,
    services: Services,
    call: Call,
    spending: Spending,
    entities: EntitiesAsked | None = None,
) -> Awaitable[SubgraphResponse]:
    """Send one request, unless its answer is kept; raises `TransportFailure`."""
    if call.cache is None:
        return _delivered(node, body, services, call, spending, entities=entities)

    def send(some: bytes | Form, since: int) -> Awaitable[SubgraphResponse]:
        return _delivered(node, some, services, call, spending, since)

    return call.cache.answer(node, body, send)


async def _delivered(
    node: Fetch,
    body: bytes | Form,
    services: Services,
    call: Call,
    spending: Spending,
    since: int = 0,
    entities: EntitiesAsked | None = None,
) -> SubgraphResponse:
    """Send one request and observe how it went."""
    started = time.perf_counter()
    service, outcome = node.service_name, OK
    try:
        url = services.urls.get(service)
        if not url:
            raise Unavailable("the service has no address")
        spending.request(node)
        # The request as a whole has a deadline too; whoever runs the operation cancels us when it passes.
        deadline = min(call.deadline, clock.now() + services.timeout_seconds)
        is_query = node.operation_kind == "query" and isinstance(body, bytes)
        # What is kept is kept with the headers of its own answer: there it goes alone.
        crowded = node.requires and service in spending.demand.crowded and call.cache is None
        siblings = spending if crowded else None
        request = SubgraphRequest(service, url, body, call.headers(service), is_query, siblings, since, entities)
        response = await services.transport.send(request, deadline)
        spending.answer(service, response.size)
        if call.received is not None:
            call.received(node, response)
    except TransportFailure as failure:
        outcome = failure.code
        raise
    except asyncio.CancelledError:
        outcome = "CANCELLED"
        raise
    else:
        return response
    finally:
        call.observe(FetchRecord(service, time.perf_counter() - started, outcome))


def body_of(node: Fetch, own: Mapping[str, Any], variables: Mapping[str, Any]) -> bytes | Form:
    """Write the request of a fetch; `own` are its own variables, beside those of the client that it uses."""
    # Only what the client sent: defaults stand in the operation itself, and the subgraph applies them.
    used = {name: variables[name] for name in node.variable_usages if name in variables}
    body: dict[str, Any] = {"query": node.operation, "variables": {**used, **own}}
    if node.operation_name:
        body["operationName"] = node.operation_name
    files: list[Any] = []

    def beside(value: Any) -> None:
        uploads.without(value)
        files.append(value)

    encoded = orjson.dumps(body, default=beside)
    return Form(encoded, tuple(uploads.within(used, ("variables",)))) if files else encoded
