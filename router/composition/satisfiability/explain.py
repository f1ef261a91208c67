"""Say which query can't be answered and what stands in the way in each subgraph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.merge.merging import Merging
from router.composition.satisfiability.graph import Graph, Place, local_keys
from router.composition.satisfiability.reach import Reach
from router.federation.elements import UNSET, FieldDefinition, Kind, is_non_null, named
from router.federation.fieldsets import printed


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A path through the supergraph whose end can't be reached from where one is by then."""

    path: tuple[FieldDefinition | str, ...]
    places: frozenset[Place]
    # The field that can't be taken; none, if it is the type of the object that can't be told.
    member: FieldDefinition | None
    contexts: frozenset[str] = frozenset()


def explain(merging: Merging, graph: Graph, problem: Unanswerable) -> str:
    """The whole message."""
    reasons = "\n".join(_from_subgraphs(merging, graph, problem))
    return f"The following supergraph API query:\n{witness(merging, problem.path)}\ncannot be satisfied by the subgraphs because:\n{reasons}"


def witness(merging: Merging, path: tuple[FieldDefinition | str, ...]) -> str:
    """The shortest query that goes along a path."""
    first = path[0]
    operation = {"Mutation": "mutation ", "Subscription": "subscription "}.get(
        first.parent if isinstance(first, FieldDefinition) else "", ""
    )
    lines = [f"{operation}{{"]
    for depth, step in enumerate(path, start=1):
        indent = "  " * depth
        if isinstance(step, str):
            lines.append(f"{indent}... on {step} {{")
            continue
        is_last = depth == len(path)
        base = merging.supergraph.types.get(named(step.type))
        composite = base is not None and base.is_composite
        opening = " {" if not is_last or composite else ""
        lines.append(f"{indent}{step.name}{_example_arguments(step)}{opening}")
        if is_last and composite:
            lines += [f"{indent}  ...", f"{indent}}}"]
    for depth in range(len(path) - 1, -1, -1):
        lines.append("  " * depth + "}")
    if isinstance(path[-1], str):
        lines[len(path) + 1 : len(path) + 1] = ["  " * (len(path) + 1) + "...", "  " * len(path) + "}"]
    return "\n".join(lines)


def _example_arguments(member: FieldDefinition) -> str:
    required = [a for a in member.arguments.values() if is_non_null(a.type) and a.default is UNSET]
    return "(" + ", ".join(f"{a.name}: <any value>" for a in required) + ")" if required else ""


def _from_subgraphs(merging: Merging, graph: Graph, problem: Unanswerable) -> Iterator[str]:
    seen: set[int] = set()
    for place in sorted(problem.places, key=lambda p: p.subgraph):
        if place.subgraph in seen:
            continue
        seen.add(place.subgraph)
        reasons = list(dict.fromkeys(_reasons(merging, graph, problem, place)))
        head = f'- from subgraph "{merging.subgraphs[place.subgraph].name}":'
        yield (
            f"{head} {reasons[0]}" if len(reasons) == 1 else "\n".join([head, *(f"  - {reason}" for reason in reasons)])
        )


def _reasons(merging: Merging, graph: Graph, problem: Unanswerable, place: Place) -> Iterator[str]:
    member = problem.member
    if member is None:
        yield f'cannot determine the type behind interface object "{place.type}".'
        return
    yield _here(graph, place, member)
    reach = Reach(graph)
    for index, subgraph in enumerate(merging.subgraphs):
        definition = subgraph.types.get(place.known or place.type) or subgraph.types.get(place.type)
        if index == place.subgraph or definition is None or member.name not in definition.fields:
            continue
        if subgraph.is_external(definition.fields[member.name]):
            continue
        has = f'cannot move to subgraph "{subgraph.name}", which has field "{member.coordinate}", because'
        if not subgraph.keys(definition):
            yield f'{has} type "{definition.name}" has no @key defined in subgraph "{subgraph.name}".'
            continue
        keys = local_keys(subgraph, definition)
        if not keys:
            yield (
                f'{has} none of the @key defined on type "{definition.name}" in subgraph "{subgraph.name}" are resolvable (they are all '
                'declared with their "resolvable" argument set to false).'
            )
            continue
        for key in keys:
            if not reach.has(place, key):
                what = "field" if len(key) == 1 else "fields"
                names = printed(key)
                yield (
                    f'cannot move to subgraph "{subgraph.name}" using @key(fields: "{names}") of "{definition.name}", the key {what} cannot '
                    f'be resolved from subgraph "{graph.subgraphs[place.subgraph].name}".'
                )


def _here(graph: Graph, place: Place, member: FieldDefinition) -> str:
    subgraph = graph.subgraphs[place.subgraph]
    definition = graph.definition(place)
    own = definition.fields.get(member.name)
    if own is None or definition.kind is not Kind.OBJECT:
        return f'cannot find field "{member.coordinate}".'
    if subgraph.is_external(own):
        return f'field "{member.coordinate}" is not resolvable because marked @external.'
    if (requires := subgraph.application(own, "requires")) is not None:
        step = graph.step(place, member.name)
        if step is not None and Reach(graph).has(place, step.requires):
            return (
                f'@require condition on field "{member.coordinate}" can be satisfied but missing usable key on "{place.type}" in subgraph '
                f'"{subgraph.name}" to resume query.'
            )
        return (
            f'cannot satisfy @require conditions on field "{member.coordinate}" ({requires.arguments.get("fields")}).'
        )
    if graph.overrides.get((place.subgraph, own.coordinate)) is not None:
        return f'field "{member.coordinate}" is not resolvable because it is overridden.'
    return f'cannot find field "{member.coordinate}".'
