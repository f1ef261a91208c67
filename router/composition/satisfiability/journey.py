"""The way of a query that can't be answered, through the supergraph and through the subgraphs: what a remedy starts from."""

from __future__ import annotations

from collections.abc import Iterable

from router.composition.merge.merging import Merging
from router.composition.satisfiability.explain import Unanswerable, witness
from router.composition.satisfiability.graph import Graph, Place
from router.composition.satisfiability.reach import Reach
from router.federation.codes import Journey, Leg
from router.federation.elements import FieldDefinition


def journey(merging: Merging, graph: Graph, problem: Unanswerable) -> Journey:
    """Go along the path once more, and write down where each field leads."""
    reach = Reach(graph)
    places = _start(graph, problem)
    legs: list[Leg] = []
    for step in problem.path:
        around = _reached(reach, places)
        if isinstance(step, FieldDefinition):
            steps = reach.steps_from(around, step.name)
            # Whatever is asked for in the end can't be answered by anybody: that is the problem.
            places = [] if step is problem.member else list(dict.fromkeys(found.target for found in steps))
            legs.append(Leg(step.coordinate, _names(merging, places)))
        else:
            narrowed = (graph.narrow(place, step) for place in places)
            places = list(dict.fromkeys(place for place in narrowed if place is not None))
            legs.append(Leg(f"... on {step}", _names(merging, places)))
    return Journey(
        query=witness(merging, problem.path),
        legs=tuple(legs),
        reached=_names(merging, _reached(reach, problem.places)),
        missing=problem.member.coordinate if problem.member is not None else None,
    )


def _start(graph: Graph, problem: Unanswerable) -> list[Place]:
    first = problem.path[0]
    root = first.parent if isinstance(first, FieldDefinition) else first
    return [Place(root, index) for index, subgraph in enumerate(graph.subgraphs) if root in subgraph.types]


def _reached(reach: Reach, places: Iterable[Place]) -> list[Place]:
    return list(dict.fromkeys(found for place in places for found in reach.places(place)))


def _names(merging: Merging, places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(merging.subgraphs[place.subgraph].name for place in places))
