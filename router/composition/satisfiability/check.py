"""Can every query of the supergraph be answered? If not: which query, and why.

A query walks down the supergraph. While it does, the answer may come from one of several places in the subgraphs; a *state* is
a supergraph type together with all places where one could be by then. Each field must be takable from at least one of them,
after any number of moves between subgraphs. States are walked until nothing new comes up:

    Query {a·Query, b·Query} ──product──▶ Product {a·Product} ──score──▶ Int   from a·Product by key "id" to b·Product

A state with more places can answer everything that one with fewer can, so a state need not be walked when one with a subset
of its places was. Narrowing an abstract type to an object that one of the places can't meet needs no answer at all: whoever
goes there gets nothing of that type. Fields of an interface are not walked; those of the objects behind it are.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, combinations

from router.composition.merge.merging import Merging, Override
from router.composition.satisfiability.explain import Shared, Unanswerable, explain, explain_shared
from router.composition.satisfiability.graph import Graph, Labels, Place
from router.composition.satisfiability.journey import journey
from router.composition.satisfiability.reach import Reach
from router.composition.satisfiability.runtime_types import check_runtime_types
from router.federation.codes import CompositionError, Node
from router.federation.elements import FieldDefinition, Kind, Schema, TypeDefinition, named

_MOST_LABELS = 6
# As many as Apollo's composer looks at unless told otherwise. A place that several paths lead to counts once here.
MOST_SUBGRAPH_PATHS = 1_000_000


@dataclass(frozen=True, slots=True)
class State:
    """A type of the supergraph, where one can be by then, and how one got there."""

    type: str
    places: tuple[Place, ...]
    path: tuple[FieldDefinition | str, ...] = ()
    contexts: frozenset[str] = frozenset()
    # Fields that are looked at elsewhere.
    without: frozenset[str] = frozenset()


class _TooManyPathsError(Exception):
    """More ways are open at once than may be looked at."""


def check(
    merging: Merging, overrides: Mapping[tuple[int, str], Override], most_paths: int = MOST_SUBGRAPH_PATHS
) -> None:
    """Refuse a supergraph with queries that can't be answered, or with too many ways to look at them all."""
    errors = len(merging.errors)
    try:
        _check(merging, overrides, most_paths)
    except _TooManyPathsError as problem:
        # What was found on the way is not the whole truth.
        del merging.errors[errors:]
        merging.error("MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED", str(problem))


def _check(merging: Merging, overrides: Mapping[tuple[int, str], Override], most_paths: int) -> None:
    labels = sorted({o.label for o in overrides.values() if o.label is not None})
    told: set[str] = set()
    for chosen in _choices(labels):
        graph = Graph(merging.subgraphs, merging.supergraph, overrides, chosen)
        for problem in _Walk(merging, graph, most_paths).problems():
            message = (
                explain(merging, graph, problem)
                if isinstance(problem, Unanswerable)
                else explain_shared(merging, graph, problem)
            )
            if message not in told:
                told.add(message)
                way = journey(merging, graph, problem) if isinstance(problem, Unanswerable) else None
                at = _places(merging, way.missing if way else None)
                merging.errors.append(CompositionError("SATISFIABILITY_ERROR", message, at, journey=way))


def _places(merging: Merging, missing: str | None) -> tuple[Node, ...]:
    """Where the subgraphs define a field that can't be reached."""
    found = (subgraph.place(subgraph.node_at(missing)) for subgraph in merging.subgraphs if missing)
    return tuple(at for at in found if at is not None)


def _choices(labels: list[str]) -> Iterator[Labels]:
    """Every combination of labels; with very many of them, each alone and all together."""
    if len(labels) <= _MOST_LABELS:
        yield from map(frozenset, chain.from_iterable(combinations(labels, n) for n in range(len(labels) + 1)))
        return
    yield from (frozenset(), frozenset(labels), *(frozenset((label,)) for label in labels))


@dataclass
class _Walk:
    merging: Merging
    graph: Graph
    most_paths: int
    visited: dict[tuple[str, frozenset[str]], list[frozenset[int]]] = field(default_factory=dict)
    # Where one could get from states that answer everything; another state from which one gets there, too, does so as well.
    answered: dict[tuple[str, frozenset[str]], set[frozenset[Place]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reach = Reach(self.graph)
        self.hidden = next((n for n, c in self.merging.composed.items() if c.element == "inaccessible"), None)
        self.contexts = self.graph.contexts_set

    @property
    def schema(self) -> Schema:
        return self.merging.supergraph

    def problems(self) -> Iterator[Unanswerable | Shared]:
        roots = [self._root(name) for name in self.schema.roots.values()]
        for index, root in enumerate(roots):
            if root.type == "Mutation":
                roots[index] = yield from self._shared_mutations(root)
        yield from self._walk(*roots)

    def _shared_mutations(self, root: State) -> Generator[Unanswerable | Shared, None, State]:
        """A mutation runs once, in one subgraph; one of those that share it must be able to answer everything alone."""
        definition = self.schema.types[root.type]
        shared: set[str] = set()
        for member in definition.fields.values():
            places = self._resolving(root, member)
            if len(places) < 2 or self._is_hidden(member):
                continue
            shared.add(member.name)
            target = self.schema.types.get(named(member.type))
            if target is None or not target.is_composite:
                continue
            problems: dict[int, list[Unanswerable]] = {}
            for place in places:
                alone = State(target.name, (place,), (member,))
                walk = _Walk(self.merging, self.graph, self.most_paths)
                problems[place.subgraph] = [p for p in walk._walk(alone) if isinstance(p, Unanswerable)]
            if all(problems.values()):
                yield Shared(member, {i: tuple(found) for i, found in problems.items()})
        return replace(root, without=frozenset(shared))

    def _resolving(self, root: State, member: FieldDefinition) -> list[Place]:
        steps = (
            (place, self.graph.step(place, member.name)) for place in sorted(root.places, key=lambda p: p.subgraph)
        )
        return [step.target for place, step in steps if step is not None]

    def _walk(self, *starts: State) -> Iterator[Unanswerable]:
        waiting = list(starts)
        paths = sum(len(state.places) for state in waiting)
        while waiting:
            state = waiting.pop()
            paths -= len(state.places)
            if self._is_known(state):
                continue
            definition = self.schema.types[state.type]
            following = self._fields(state, definition) if definition.kind is Kind.OBJECT else self._objects(state)
            for found in following:
                if isinstance(found, Unanswerable):
                    yield found
                else:
                    waiting.append(found)
                    paths += len(found.places)
                    if paths > self.most_paths:
                        raise _TooManyPathsError(f"Maximum number of validation subgraph paths exceeded: {paths}")

    def _root(self, name: str) -> State:
        places = tuple(Place(name, i) for i, s in enumerate(self.merging.subgraphs) if name in s.types)
        return State(name, places)

    def _is_known(self, state: State) -> bool:
        """Only the subgraphs are compared, not what is provided there: so does Apollo, whose verdict is wanted."""
        subgraphs = frozenset(place.subgraph for place in state.places)
        seen = self.visited.setdefault((state.type, state.contexts), [])
        if any(others <= subgraphs for others in seen):
            return True
        seen.append(subgraphs)
        return False

    def _is_hidden(self, element: TypeDefinition | FieldDefinition) -> bool:
        return self.hidden is not None and any(a.name == self.hidden for a in element.applied)

    def _fields(self, state: State, definition: TypeDefinition) -> Iterator[State | Unanswerable]:
        contexts = state.contexts | self.contexts.get(definition.name, frozenset())
        around = tuple(dict.fromkeys(p for place in state.places for p in self.reach.places(place)))
        reachable, answered = frozenset(around), self.answered.setdefault((state.type, contexts), set())
        if reachable in answered and not state.without:
            return
        answers_all = not state.without
        for member in definition.fields.values():
            target = self.schema.types.get(named(member.type))
            if (
                member.name in state.without
                or self._is_hidden(member)
                or (target is not None and self._is_hidden(target))
            ):
                continue
            steps = [step for step in self.reach.steps_from(around, member.name) if step.contexts <= contexts]
            places = tuple(dict.fromkeys(step.target for step in steps))
            path = (*state.path, member)
            if not places:
                answers_all = False
                yield Unanswerable(path, state.places, member, contexts)
                continue
            if target is None or not target.is_composite:
                continue
            if target.is_abstract and len({place.subgraph for place in places}) > 1:
                # What is odd is told of every way that leads there.
                is_odd = check_runtime_types(self.merging, self.graph, member, places, path)
                answers_all = answers_all and not is_odd
            yield State(target.name, places, path, contexts if self.contexts else frozenset())
        if answers_all:
            answered.add(reachable)

    def _objects(self, state: State) -> Iterator[State | Unanswerable]:
        for name in self.schema.ordered_runtime_types(state.type):
            definition = self.schema.types.get(name)
            if definition is None or self._is_hidden(definition):
                continue
            narrowed = [self.graph.narrow(place, name) for place in state.places]
            if None in narrowed:
                continue  # from one of the places there is nothing of that type to answer
            places = tuple(
                dict.fromkeys(p for p in narrowed if p is not None and (p.known is None or self.reach.knows_type(p)))
            )
            path = (*state.path, name)
            if places:
                contexts = state.contexts | self.contexts.get(state.type, frozenset())
                yield State(name, places, path, contexts)
            else:
                yield Unanswerable(path, state.places, None)
