"""A plan as it runs: fetches with all that they need ready, in the order that the plan gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from router.executor.compiled import typed
from router.executor.compiled.folding import Folds
from router.executor.compiled.places import Map, NotCompiled, Place, Required, Step, Variant
from router.executor.compiled.typed import NotTyped, Typed
from router.executor.compiled.visitors import Fill, Json, Visitors, blank
from router.executor.operation import Operation
from router.executor.types import RuntimeTypes
from router.planner import query_plan
from router.planner.query_plan import Condition, Fetch, Flatten, Parallel, Path, PlanNode

LEARNS = 8
"""Runs after which is looked whether other readings would be quicker."""
MOST_PROGRAMS = 32
"""Of one operation: one for each combination of what switches parts of it on and off."""


@dataclass(frozen=True, slots=True)
class Template:
    """A representation as JSON, with a gap for each value: `{"__typename":%b,"upc":%b}`."""

    text: bytes
    values: Callable[[Json], tuple[Any, ...]]
    """Takes the values out of what is known of an object."""

    @staticmethod
    def of(required: Sequence[Required]) -> Template:
        """Make that of a type; two values at least."""
        gaps = b",".join(orjson.dumps(each.name) + b":%b" for each in required)
        return Template(b"{%b}" % gaps, itemgetter(*[each.key for each in required]))


@dataclass(frozen=True, slots=True)
class Request:
    """One fetch, ready to be sent: `head` and `tail` are the constant bytes of its body around the variables."""

    fetch: Fetch
    head: bytes
    tail: bytes
    table: int | None
    """Where the groups lie that it asks for; None when it starts at the root."""
    builds: Mapping[str, tuple[Required, ...]]
    """By type name, what representations are made of."""
    fills: Mapping[str, Fill]
    """By type name, what adds the answer."""
    constant: bytes
    """The whole body, of a fetch that takes nothing from the client's variables."""
    templates: Mapping[str, Template]
    """By type name, how representations are written whose values stand in them as they came: none of those has fields."""
    step: int
    """Its number among those that were laid over the map."""
    variants: Sequence[Variant]
    """Whose fields it brings."""

    def used(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the client's variables that it takes; a new dictionary."""
        usages = self.fetch.variable_usages
        return {name: variables[name] for name in usages if name in variables} if usages else {}

    def body(self, variables: Mapping[str, Any]) -> bytes:
        """Write the body of a fetch that asks for no entities; raises `TypeError` where files come along."""
        if not self.fetch.variable_usages:
            return self.constant
        return b"".join((self.head, orjson.dumps(self.used(variables)), self.tail))


@dataclass(frozen=True, slots=True)
class InOrder:
    """One after the other."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """All at the same time."""

    nodes: tuple[Node, ...]


Node = Request | InOrder | AtOnce


@dataclass(slots=True)
class Program:
    """A compiled plan; `unfit` counts how often it had to hand over to the general executor, as against `ran`."""

    node: Node | None
    root: Json
    tables: int
    top: Variant
    ran: int = field(default=0)
    unfit: int = field(default=0)
    schedule: Any = None
    """The order of its fetches laid out flat, once somebody needed it."""
    ways: Any = None
    """The short ways to its services; whoever looked for them remembers them here."""
    all_direct: bool = False
    """Whether there is one for each."""
    is_single: bool = False
    """Whether there is one fetch and nothing else."""

    typed: Typed | None = None
    """How answers are read straight into what the client gets, of an operation that comes often."""
    is_untyped: bool = False
    """Whether that can't be."""

    @property
    def root_type(self) -> str:
        """The name of the operation's root type."""
        return self.top.type.name

    @property
    def worthwhile(self) -> bool:
        """Whether it still is quicker to try: what fails half of the time costs more than it saves."""
        return self.unfit < 8 or self.unfit * 2 < self.ran

    def typed_now(self) -> Typed | None:
        """Return the readings, if there are any and they mostly fit; they are made for who comes often."""
        readings = self.typed
        if readings is None and not self.is_untyped and self.ran >= typed.FREQUENT:
            self.is_untyped = True
            with suppress(NotTyped):
                readings = self.typed = self._typed(None)
        elif readings is not None and not readings.ran % LEARNS and (folds := readings.folds.better()) is not None:
            readings = self.typed = self._typed(folds)
        return readings if readings is not None and readings.worthwhile else None

    def _typed(self, folds: Folds | None) -> Typed:
        requests = self.schedule.requests
        return typed.typed(self.top, [(each.variants, each.step, each.table is not None) for each in requests], folds)


def program_for(operation: Operation, types: RuntimeTypes, conditions: Mapping[str, Any]) -> Program | None:
    """Return the operation's program for these values of its switches; compiled at the first request that has them."""
    if operation.withheld:
        return None  # it's null whatever the data hold, and every answer may have to say so
    switched = operation.projection.switched(conditions)
    if switched not in operation.programs:
        if len(operation.programs) >= MOST_PROGRAMS:
            return None
        operation.programs[switched] = compiled(operation, types, conditions)
    program: Program | None = operation.programs[switched]
    return program


def compiled(operation: Operation, types: RuntimeTypes, conditions: Mapping[str, Any]) -> Program | None:
    """Compile the plan for these values of the variables that switch parts of it; None when it can't be."""
    places = Map(operation.schema, operation.projection, types, conditions)
    try:
        laid = _lay(operation.plan.node, (), places, conditions)
        places.finish()
        visitors = Visitors()
        node = _ready(laid, visitors) if laid is not None else None
        root = places.root.variants[operation.projection.root_type.name]
    except NotCompiled:
        return None
    return Program(
        node,
        blank(root),
        len(places.places),
        root,
        is_single=isinstance(node, Request) and node.table is None,
    )


@dataclass(frozen=True, slots=True)
class _Laid:
    """A node of the plan with its steps laid over the map, before visitors can be built."""

    kind: type[InOrder | AtOnce]
    nodes: tuple[_Laid | tuple[Step, Place, Sequence[Variant]], ...]


def _lay(node: PlanNode | None, path: Path, places: Map, conditions: Mapping[str, Any]) -> Any:
    match node:
        case None:
            return None
        case Fetch():
            step = places.lay(node, path)
            place = step.place or places.root
            return step, place, [variant for variant in place.variants.values() if step.index in variant.brought]
        case Flatten(path=below, node=inner):
            return _lay(inner, (*path, *below), places, conditions)
        case query_plan.Sequence(nodes=nodes):
            return _several(InOrder, nodes, path, places, conditions)
        case Parallel(nodes=nodes):
            return _several(AtOnce, nodes, path, places, conditions)
        case Condition(condition=name, if_clause=chosen, else_clause=other):
            return _lay(chosen if conditions.get(name) else other, path, places, conditions)
        case _:
            raise NotCompiled("a stream")


def _several(
    kind: type[InOrder | AtOnce], nodes: Sequence[PlanNode], path: Path, places: Map, conditions: Mapping[str, Any]
) -> _Laid | None:
    laid = tuple(filter(None, (_lay(each, path, places, conditions) for each in nodes)))
    return _Laid(kind, laid) if laid else None


def _ready(laid: Any, visitors: Visitors) -> Node:
    if isinstance(laid, _Laid):
        nodes = tuple(_ready(each, visitors) for each in laid.nodes)
        return nodes[0] if len(nodes) == 1 else laid.kind(nodes)
    step, place, variants = laid
    fills = {variant.type.name: visitors.fill(variant, step.index) for variant in variants}
    head, tail = _body(step.fetch)
    table = place.index if step.place is not None else None
    templates = {
        name: Template.of(required)
        for name, required in step.required.items()
        if len(required) > 1 and not any(each.selections for each in required)
    }
    return Request(
        step.fetch, head, tail, table, step.required, fills, b"{}".join((head, tail)), templates, step.index, variants
    )


def _body(fetch: Fetch) -> tuple[bytes, bytes]:
    body: dict[str, Any] = {"query": fetch.operation, "variables": {}}
    if fetch.operation_name:
        body["operationName"] = fetch.operation_name
    text = orjson.dumps(body)
    # The last place where it can be: a query may hold the same characters.
    head, _, tail = text.rpartition(b'"variables":{}')
    return head + b'"variables":', tail
