"""Answers an operation part by part: the primary part at once, and each deferred one when it is ready.

All parts share one tree of data, as the plan means it: what is deferred starts from keys that the primary part fetched. A part
has errors of its own. Fetches run as soon as those are done that they wait for, whatever was delivered by then; what
is delivered, and when, is another matter:

    the fetches of a part are done ─┐
                                    ├─► its answer is projected at each object where it's asked for, and delivered
    the part around it is delivered ┘

A part below an object that the client does not have (it's null, or another type's) is never delivered, and its fetches end when
that is clear. When the time of the whole answer is over, the parts that are open are delivered as failed: what was announced
comes, one way or the other, and once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from router.executor import introspection
from router.executor.errors import Faults, ResponsePath
from router.executor.execute import taken, walk
from router.executor.fetch import Call, Run, Services
from router.executor.operation import Operation
from router.executor.part_projection import Data, Later, PartProjection, TakenBackError, additions, object_at
from router.executor.paths import EACH
from router.executor.projection import CODE
from router.executor.redaction import Masking
from router.executor.spending import Spending
from router.graph.selections import Deferral
from router.planner.query_plan import Condition, Defer, DeferredNode, Fetch, Flatten, Parallel, PlanNode, Sequence

Errors = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Announced:
    """A part that will come: its id in this answer, the object that it is about, and the client's label."""

    id: str
    path: ResponsePath
    label: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that has come: all of it, what of it is new by the path below its object, and its errors; no data if it failed."""

    announced: Announced
    data: Data | None
    new: tuple[tuple[ResponsePath, Data], ...] = ()
    errors: Errors = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sent at once: the primary part or pieces of deferred ones, and which parts will come besides.

    It must be written before the next one is made, since all of them speak of the same data.
    """

    announced: tuple[Announced, ...]
    has_next: bool
    data: Data | None = None
    errors: Errors = field(default_factory=list)
    pieces: tuple[Piece, ...] = ()


Emit = Callable[[Payload], None]


@dataclass(slots=True)
class _Open:
    """A deferred fragment for which parts were announced that have not come yet."""

    later: list[Later]
    announced: list[Announced]


def deferring(operation: Operation, conditions: Mapping[str, Any]) -> Defer | None:
    """Return the plan's node that tells the parts apart, if under these conditions anything is deferred."""
    node = operation.plan.node
    while isinstance(node, Condition):
        node = taken(node, conditions)
    return node if isinstance(node, Defer) else None


class Deferred:
    """One operation while it is answered part by part; `emit` gets the payloads, the primary part's first."""

    def __init__(
        self,
        operation: Operation,
        services: Services,
        call: Call,
        conditions: Mapping[str, Any],
        masking: Masking,
        emit: Emit,
    ) -> None:
        node = deferring(operation, conditions)
        if node is None or operation.parts is None:
            raise ValueError("nothing is deferred in this operation")
        self._node = node
        self._operation = operation
        self._parts: PartProjection = operation.parts
        self._conditions = conditions
        self._emit = emit
        self._arrived: dict[str, asyncio.Event] = {one: asyncio.Event() for one in _ids(node)}
        faults = Faults(masking, [*operation.errors])
        spending = Spending(services.spending, operation.demand)
        self._run = Run(operation, services, call, conditions, faults, spending, arrived=self._arrive)
        self._runs: dict[Deferral, Run] = {}
        self._tasks: dict[Deferral, asyncio.Task[None]] = {}
        self._done: set[Deferral] = set()
        self._open: dict[Deferral, _Open] = {}
        self._held: Errors = []
        self._client_has: Data = {}
        self._numbers = count()
        self._began = False

    @property
    def delivered(self) -> Data | None:
        """All that the client has by now."""
        return self._client_has or None

    async def run(self, deadline: float) -> None:
        """Answer; raises `TimeoutError` if the primary part isn't there in time (of the event loop's clock)."""
        try:
            async with asyncio.timeout_at(deadline), asyncio.TaskGroup() as group:
                for node in self._node.deferred:
                    self._start(node, group)
                await self._fetch(self._node.primary, self._run)
                self._deliver_primary(
                    dict(introspection.answer(self._operation, self._run.call.variables, self._conditions))
                )
        except TimeoutError:
            if not self._began:
                raise
            self._give_up()

    # ---- fetching ----

    def _start(self, node: DeferredNode, group: asyncio.TaskGroup) -> None:
        deferral = node.deferral
        if deferral is None:
            raise ValueError("the plan doesn't say which fragment a deferred part is for")
        self._runs[deferral] = replace(self._run, faults=self._run.faults.beside())
        self._tasks[deferral] = group.create_task(self._fetch_part(node, deferral))
        if isinstance(node.node, Defer):
            for inner in node.node.deferred:
                self._start(inner, group)

    async def _fetch_part(self, node: DeferredNode, deferral: Deferral) -> None:
        for one in node.depends:
            await self._arrived[one].wait()
        await self._fetch(node.node.primary if isinstance(node.node, Defer) else node.node, self._runs[deferral])
        self._done.add(deferral)
        self._deliver(deferral)

    async def _fetch(self, node: PlanNode | None, run: Run) -> None:
        if node is not None:
            await walk(node, (), run)
            for one in _ids(node):  # those under conditions that do not hold never run, but are not waited for either
                self._arrive(one)

    def _arrive(self, id: str | None) -> None:  # noqa: A002 -- as it's called in plans
        if id is not None:
            self._arrived[id].set()

    # ---- delivering ----

    def _deliver_primary(self, own: Data) -> None:
        self._run.data.update(own)
        projected = self._parts.primary(self._run.data, self._conditions, self._run.faults)
        self._began = True
        self._client_has = projected.data or {}
        announced = self._announce(projected.later) if projected.data is not None else ()
        errors = self._shown(self._run.faults.errors)
        self._emit(Payload(announced, bool(self._open), projected.data, errors))
        self._go_on()

    def _announce(self, later: list[Later]) -> tuple[Announced, ...]:
        found: list[Announced] = []
        for one in later:
            if object_at(self._client_has, one.path) is not None:
                announced = Announced(str(next(self._numbers)), one.path, one.deferral.label)
                waiting = self._open.setdefault(one.deferral, _Open([], []))
                waiting.later.append(one)
                waiting.announced.append(announced)
                found.append(announced)
        return tuple(found)

    def _go_on(self) -> None:
        """Deliver what was only waiting for the part around it, and end what nobody will ask for."""
        for deferral in [one for one in self._open if one in self._done or one not in self._tasks]:
            self._deliver(deferral)
        for deferral, task in self._tasks.items():
            if not any(one in self._open for one in deferral.chain()):
                task.cancel()

    def _deliver(self, deferral: Deferral) -> None:
        waiting = self._open.pop(deferral, None)
        if waiting is None:
            return
        run = self._runs.get(deferral, self._run)
        faults = run.faults if deferral in self._runs else self._run.faults.beside()
        pieces: list[Piece] = []
        announced: list[Announced] = []
        for one, name in zip(waiting.later, waiting.announced, strict=True):
            piece, later = self._piece(one, name, faults)
            pieces.append(piece)
            announced += self._announce(later)
        self._hand_out(faults.errors, pieces)
        self._emit(Payload(tuple(announced), bool(self._open), pieces=tuple(pieces)))
        self._go_on()

    def _piece(self, one: Later, announced: Announced, faults: Faults) -> tuple[Piece, list[Later]]:
        target = object_at(self._client_has, one.path)
        projected = self._parts.part(one, faults)
        if projected.data is None or target is None:
            return Piece(announced, None), []
        try:
            added = list(additions(target, projected.data))
        except TakenBackError:
            return Piece(announced, None), []
        for addition in added:
            addition.target.update(addition.fields)
        return Piece(announced, projected.data, tuple((each.below, each.fields) for each in added)), projected.later

    def _give_up(self) -> None:
        pieces = [Piece(one, None) for waiting in self._open.values() for one in waiting.announced]
        self._open.clear()
        for piece in pieces:
            piece.errors.append(
                {
                    "message": "Your request has been timed out.",
                    "path": list(piece.announced.path),
                    "extensions": {"code": "GATEWAY_TIMEOUT"},
                }
            )
        if pieces:
            self._emit(Payload((), has_next=False, pieces=tuple(pieces)))

    # ---- errors ----

    def _shown(self, errors: Errors) -> Errors:
        """The errors of the primary part; those about what comes later are held back until it does."""
        shown: Errors = []
        for error in errors:
            is_later = self._open and not _is_visible(self._client_has, tuple(error.get("path", ())))
            (self._held if is_later else shown).append(error)
        return shown

    def _hand_out(self, own: Errors, pieces: list[Piece]) -> None:
        """Give each error to the piece that it's about."""
        by_path = {piece.announced.path: piece for piece in pieces}
        due: Errors = []
        held: Errors = []
        for error in self._held:
            (held if self._open and not self._is_due(error, by_path) else due).append(error)
        self._held = held
        for error in (*own, *due):
            (_about(error, by_path) or pieces[0]).errors.append(error)
        for piece in pieces:
            if piece.data is None and not piece.errors:
                piece.errors.append(_failed(piece, next(iter((*own, *due)), None)))

    def _is_due(self, error: Mapping[str, Any], by_path: Mapping[ResponsePath, Piece]) -> bool:
        piece = _about(error, by_path)
        if piece is None:
            return False
        return piece.data is None or _is_visible(self._client_has, tuple(error.get("path", ())))


def _about(error: Mapping[str, Any], by_path: Mapping[ResponsePath, Piece]) -> Piece | None:
    """Find the piece at whose object, or below, an error happened."""
    path: ResponsePath = tuple(error.get("path", ()))
    if EACH in path:
        return next((piece for start, piece in by_path.items() if _begins(path, start)), None)
    starts = (path[:length] for length in range(len(path), -1, -1))
    return next((by_path[start] for start in starts if start in by_path), None)


def _failed(piece: Piece, reason: Mapping[str, Any] | None) -> dict[str, Any]:
    """Why a piece has no data that was not blamed itself: for the reason for which others of its part have none."""
    message = reason["message"] if reason else "A value that may not be null is missing."
    extensions = reason["extensions"] if reason else {"code": CODE}
    return {"message": message, "path": list(piece.announced.path), "extensions": extensions}


def _begins(path: ResponsePath, beginning: ResponsePath) -> bool:
    """Tell whether a path leads through an object; that of what is withheld means each element of a list by `@`."""
    return len(path) >= len(beginning) and all(
        one in (other, EACH) for one, other in zip(path, beginning, strict=False)
    )


def _is_visible(data: Any, path: ResponsePath) -> bool:
    """Tell whether the client can see by now what is at a path, or that there is nothing."""
    if not path:
        return True
    step, rest = path[0], path[1:]
    match data:
        case dict():
            return step in data and _is_visible(data[step], rest)
        case list() if step == EACH:
            return not data or any(_is_visible(item, rest) for item in data)
        case list() if isinstance(step, int) and step < len(data):
            return _is_visible(data[step], rest)
        case _:
            return True


def _ids(node: PlanNode | None) -> Iterator[str]:
    """The ids of the fetches that others wait for."""
    match node:
        case Fetch(id=str() as one):
            yield one
        case Flatten(node=inner):
            yield from _ids(inner)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for each in nodes:
                yield from _ids(each)
        case Condition(if_clause=first, else_clause=second):
            yield from _ids(first)
            yield from _ids(second)
        case Defer(primary=primary, deferred=deferred):
            yield from _ids(primary)
            for part in deferred:
                yield from _ids(part.node)
        case _:
            pass
