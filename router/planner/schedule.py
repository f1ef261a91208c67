"""The fetch graph as plan nodes: what can run together in `Parallel`, what has to wait in `Sequence`.

Fetches that have nothing to do with each other are scheduled apart, so that none waits for a stranger; among those that
have, all that can start do so together, and then the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from router.planner.fetch_graph import FetchGraph, FetchStep
from router.planner.query_plan import Condition, Parallel, PlanNode, Sequence

Render = Callable[[FetchStep], PlanNode]


def schedule(graph: FetchGraph, render: Render) -> PlanNode | None:
    """Order the fetches of a graph."""
    return parallel(_component(group, render) for group in _apart(graph))


def _component(steps: FetchGraph, render: Render) -> PlanNode | None:
    present = {step.id for step in steps}
    first = tuple(step for step in steps if not step.needs & present)
    rest = tuple(step for step in steps if step.needs & present)
    return sequence([parallel(render(step) for step in first), schedule(rest, render)])


def _apart(steps: FetchGraph) -> list[FetchGraph]:
    """Split into groups that do not wait for each other, in the order of their first fetches."""
    group_of = {step.id: step.id for step in steps}

    def leader(number: int) -> int:
        while group_of[number] != number:
            number = group_of[number]
        return number

    for step in steps:
        for need in sorted(step.needs & group_of.keys()):
            group_of[leader(step.id)] = leader(need)
    groups: dict[int, list[FetchStep]] = {}
    for step in steps:
        groups.setdefault(leader(step.id), []).append(step)
    return [tuple(group) for group in groups.values()]


def parallel(nodes: Iterable[PlanNode | None]) -> PlanNode | None:
    """Run all at once; nothing is wrapped without need."""
    found: list[PlanNode] = []
    for node in nodes:
        if node is not None:
            found += node.nodes if isinstance(node, Parallel) else [node]
    found = _under_one_condition(found, parallel)
    return found[0] if len(found) == 1 else Parallel(tuple(found)) if found else None


def sequence(nodes: Iterable[PlanNode | None]) -> PlanNode | None:
    """Run one after the other; nothing is wrapped without need."""
    found: list[PlanNode] = []
    for node in nodes:
        if node is not None:
            found += node.nodes if isinstance(node, Sequence) else [node]
    found = _under_one_condition(found, sequence)
    return found[0] if len(found) == 1 else Sequence(tuple(found)) if found else None


def _under_one_condition(
    nodes: list[PlanNode], joined: Callable[[Iterable[PlanNode | None]], PlanNode | None]
) -> list[PlanNode]:
    """Ask once what several neighbours ask."""
    found: list[PlanNode] = []
    for node in nodes:
        last = found[-1] if found else None
        if isinstance(node, Condition) and isinstance(last, Condition) and node.condition == last.condition:
            found[-1] = Condition(
                node.condition,
                joined([last.if_clause, node.if_clause]),
                joined([last.else_clause, node.else_clause]),
            )
        else:
            found.append(node)
    return found
