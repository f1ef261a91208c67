"""An operation becomes a query plan: the stages in order.

    document ─ normalize ─► operation ─ walk ─► paths ─ choose ─► tree ─► fetch graph ─ optimize ─► plan

Each stage is a function from values to values and can be looked at alone (`router.planner.explain`). Plans depend on the
supergraph, the operation and the active override labels, and on nothing else: not on the order in which subgraphs
are listed, nor on anything that was planned before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, groupby

from graphql import DocumentNode

from router.federation.supergraph import Supergraph
from router.graph.allowance import Allowance, SearchLimitExceeded, SearchLimits
from router.graph.build import CONTEXTUAL, QueryGraph
from router.graph.conditions import Search
from router.graph.nodes import Node
from router.graph.paths import DeadEnd
from router.graph.selections import Field, Selection, Selections, never
from router.graph.steps import Leaf, Solution
from router.planner import defer
from router.planner.delivery import Delivery
from router.planner.failures import PlanningFailed
from router.planner.fetch_graph import Builder, FetchGraph
from router.planner.names import Names
from router.planner.normalize import Operation, normalize, pick
from router.planner.optimize import optimize
from router.planner.query_plan import Condition, PlanNode, QueryPlan, Subscription
from router.planner.render import Renderer
from router.planner.schedule import schedule, sequence
from router.planner.tree import Branch, tree

PlanLimits = SearchLimits

_TOO_COMPLEX = "QUERY_PLAN_COMPLEXITY_EXCEEDED"
_REMEMBERED_GRAPHS = 64
_MOST_SWITCHES = 5  # a plan for each combination


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an operation that is planned as a whole, with all that was found on the way to its fetches."""

    selections: Selections
    leaves: tuple[Leaf, ...]
    solution: Solution
    tree: Branch
    fetches: FetchGraph


@dataclass(frozen=True, slots=True)
class Stages:
    """A plan and how it came about."""

    operation: Operation
    parts: tuple[Part, ...]
    plan: QueryPlan


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be planned, and how much may be spent on it."""

    document: DocumentNode
    name: str | None
    labels: frozenset[str]
    allowance: Allowance


class Planner:
    """Plans operations over one supergraph."""

    def __init__(self, supergraph: Supergraph, limits: PlanLimits = PlanLimits()) -> None:  # noqa: B008 -- it is frozen
        self.supergraph = supergraph
        self.limits = limits
        self._graphs: dict[tuple[frozenset[str], str], QueryGraph] = {}

    def plan(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
        deferring: bool = False,
    ) -> QueryPlan:
        """Plan a document that is valid against the API schema; raises `PlanningFailed`.

        The plan has parts that come later only when `deferring`; otherwise it is as if nothing were under `@defer`.
        """
        return self.stages(document, operation_name, labels=labels, deferring=deferring).plan

    def stages(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        *,
        labels: frozenset[str] = frozenset(),
        deferring: bool = False,
    ) -> Stages:
        """Plan a document and keep what every stage made of it."""
        allowance = Allowance(self.limits)
        try:
            switches = _switches(document, operation_name) if deferring else []
            return self._switched(
                _Asked(document, operation_name, labels, allowance), {} if deferring else None, switches
            )
        except DeadEnd as error:
            raise PlanningFailed(f"The operation can't be planned: {error}.") from error
        except SearchLimitExceeded as error:
            raise PlanningFailed(f"The operation is too complex: {error}.", _TOO_COMPLEX) from error
        except RecursionError as error:
            raise PlanningFailed("The operation is nested too deeply to be planned.", _TOO_COMPLEX) from error

    def _switched(self, asked: _Asked, values: Mapping[str, bool] | None, switches: Sequence[str]) -> Stages:
        """Plan for each value of the variables that decide what is deferred; the stages are those of all deferred."""
        if values is None or not switches:
            return self._planned(asked, values)
        name, *others = switches
        on, off = (self._switched(asked, {**values, name: value}, others) for value in (True, False))
        if on.plan == off.plan:
            return on
        return replace(on, plan=QueryPlan(Condition(name, on.plan.node, off.plan.node)))

    def _planned(self, asked: _Asked, values: Mapping[str, bool] | None) -> Stages:
        defers = never if values is None else defer.Defers.of(asked.document, values)
        schema, allowance = self.supergraph.schema, asked.allowance
        operation = normalize(asked.document, asked.name, schema, allowance.step, defers)
        return _Planning(self._graph(asked.labels, operation), operation, allowance).run()

    def _graph(self, labels: frozenset[str], operation: Operation) -> QueryGraph:
        key = (labels, _free_of(operation.variables))
        if key not in self._graphs:
            while len(self._graphs) >= _REMEMBERED_GRAPHS:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[key] = QueryGraph(self.supergraph, *key)
        return self._graphs[key]


def _free_of(variables: Iterable[str]) -> str:
    """How variables for contexts are called: as none of the client's."""
    name = CONTEXTUAL
    while any(variable.startswith(name) for variable in variables):
        name = f"_{name}"
    return name


def _switches(document: DocumentNode, operation_name: str | None) -> list[str]:
    found = defer.switches(document, pick(document, operation_name))
    if len(found) > _MOST_SWITCHES:
        raise SearchLimitExceeded(f"more than {_MOST_SWITCHES} variables decide what is deferred")
    return found


@dataclass(slots=True)
class _Planning:
    """The planning of one operation."""

    graph: QueryGraph
    operation: Operation
    allowance: Allowance

    def run(self) -> Stages:
        self.operation = replace(self.operation, selections=self._settled())
        parts = self._parts() if self.operation.selections else []
        renderer = Renderer(self.graph, self.operation, count())
        fetches = [part.fetches for part in parts]
        if self.operation.kind == "subscription":
            node = sequence(_subscription(one, renderer) for one in fetches)
        else:
            node = Delivery(renderer, fetches, defer.sections(self.operation.asked)).node()
        return Stages(self.operation, tuple(parts), QueryPlan(node))

    def _parts(self) -> list[Part]:
        return self._mutations() if self.operation.kind == "mutation" else [self._query()]

    def _settled(self) -> Selections:
        root = self.graph.composite(self.operation.root_type)
        return defer.Settling(self.graph.schema, self.graph.is_entity).settled(self.operation.selections, root)

    def _query(self) -> Part:
        return self._part(self.operation.selections, self.graph.graphs)

    def _mutations(self) -> list[Part]:
        """Each root field in its turn; neighbours that go to the same subgraph go in one request."""
        chosen = [(self._best_graph(tuple(group)), item) for group in self._root_fields() for item in group]
        return [
            self._part(tuple(item for _, item in neighbours), (graph,))
            for graph, neighbours in groupby(chosen, key=lambda pair: pair[0])
        ]

    def _root_fields(self) -> list[list[Selection]]:
        """The root fields in order; what is asked for twice, under different conditions, is still called once."""
        found: dict[str, list[Selection]] = {}
        for item in self.operation.selections:
            found.setdefault(item.response_key if isinstance(item, Field) else item.on, []).append(item)
        return list(found.values())

    def _best_graph(self, selections: Selections) -> str:
        """The one subgraph that a mutation is sent to: it must be called once, so one must do for all of the answer."""
        costs: list[tuple[int, str]] = []
        failure: DeadEnd | None = None
        for graph in self.graph.graphs:
            try:
                costs.append((self._part(selections, (graph,)).solution.cost, graph))
            except DeadEnd as error:
                failure = error
        if not costs:
            raise failure or DeadEnd(self.operation.root_type, "")
        return min(costs)[1]

    def _part(self, selections: Selections, graphs: Sequence[str]) -> Part:
        search = Search(self.graph, self.allowance)
        leaves = search.from_roots(selections, self.operation.root_type, graphs)
        solution = search.choose(leaves)
        branch = tree(solution.paths, Node(self.operation.root_type, ""))
        fetches = Builder(self.graph, Names(selections), self.allowance).build(branch)
        return Part(selections, tuple(leaves), solution, branch, optimize(fetches, self.allowance))


def _subscription(fetches: FetchGraph, renderer: Renderer) -> PlanNode | None:
    """The stream is one fetch; everything else is fetched for each event."""
    primary, *others = fetches
    return Subscription(renderer.fetch(primary), schedule(tuple(others), renderer.render))
