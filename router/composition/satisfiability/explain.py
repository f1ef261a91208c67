"""Say which query can't be answered and what stands in the way in each subgraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

from router.composition.merge.merging import Merging
from router.composition.merge.wording import subgraphs
from router.composition.satisfiability.graph import Graph, Place
from router.composition.satisfiability.reach import Reach
from router.federation.elements import FieldDefinition, Kind, TypeDefinition, TypeRef, is_list, is_non_null, named
from router.federation.fieldsets import FieldSet, Fragment, printed
from router.federation.subgraph import Subgraph


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A path through the supergraph whose end can't be reached from where one is by then."""

    path: tuple[FieldDefinition | str, ...]
    places: tuple[Place, ...]
    # The field that can't be taken; none, if it is the type of the object that can't be told.
    member: FieldDefinition | None
    contexts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shared:
    """A mutation that several subgraphs share, with what none of them can answer alone."""

    member: FieldDefinition
    problems: Mapping[int, tuple[Unanswerable, ...]]


def explain(merging: Merging, graph: Graph, problem: Unanswerable) -> str:
    """The whole message."""
    reasons = "\n".join(_from_subgraphs(merging, graph, problem))
    query = witness(merging, problem.path)
    return f"The following supergraph API query:\n{query}\ncannot be satisfied by the subgraphs because:\n{reasons}"


def explain_shared(merging: Merging, graph: Graph, shared: Shared) -> str:
    """The message about a shared mutation: what goes wrong in each subgraph."""
    name = shared.member.coordinate
    head = (
        f'Supergraph API queries using the mutation field "{name}" at top-level must be satisfiable without needing to call that field '
        "from multiple subgraphs, but every subgraph with that field encounters satisfiability errors. Please fix these satisfiability "
        "errors for (at least) one of the following subgraphs with the mutation field:"
    )
    parts = [head]
    for index, problems in shared.problems.items():
        parts.append(f'- When calling "{name}" at top-level from subgraph "{merging.subgraphs[index].name}":')
        parts += [indent(explain(merging, graph, problem), "  ") for problem in problems]
    return "\n".join(parts)


def witness(merging: Merging, path: tuple[FieldDefinition | str, ...]) -> str:
    """The shortest query that goes along a path."""
    first = path[0]
    operation = {"Mutation": "mutation ", "Subscription": "subscription "}.get(
        first.parent if isinstance(first, FieldDefinition) else "", ""
    )
    lines = [f"{operation}{{"]
    for depth, step in enumerate(path, start=1):
        margin = "  " * depth
        if isinstance(step, str):
            lines.append(f"{margin}... on {step} {{")
            continue
        is_last = depth == len(path)
        base = merging.supergraph.types.get(named(step.type))
        composite = base is not None and base.is_composite
        opening = " {" if not is_last or composite else ""
        lines += _field_lines(
            f"{margin}{step.name}", [f"{a.name}: {_example(merging, a.type)}" for a in step.arguments.values()], opening
        )
        if is_last and composite:
            lines += [f"{margin}  ...", f"{margin}}}"]
    for depth in range(len(path) - 1, -1, -1):
        lines.append("  " * depth + "}")
    if isinstance(path[-1], str):
        lines[len(path) + 1 : len(path) + 1] = ["  " * (len(path) + 1) + "...", "  " * len(path) + "}"]
    return "\n".join(lines)


def _field_lines(head: str, arguments: list[str], opening: str) -> list[str]:
    """A field with its arguments: in one line if it is short enough."""
    if not arguments:
        return [head + opening]
    line = f"{head.strip()}({', '.join(arguments)})"
    margin = head[: len(head) - len(head.lstrip())]
    if len(line) <= _WIDEST:
        return [f"{margin}{line}{opening}"]
    return [f"{head}(", *(f"{margin}  {argument}" for argument in arguments), f"{margin}){opening}"]


_WIDEST = 80
_EXAMPLES = {"Int": "0", "Float": "3.14", "Boolean": "true", "String": '"A string value"', "ID": '"<any id>"'}


def _example(merging: Merging, ref: TypeRef) -> str:
    """Some value of a type."""
    if is_list(ref):
        return "[]"
    name = named(ref)
    definition = merging.supergraph.types.get(name)
    if definition is None or definition.kind is Kind.SCALAR:
        return _EXAMPLES.get(name, '"<some value>"')
    if definition.kind is Kind.ENUM:
        return next(iter(definition.values), "null")
    required = [f"{e.name}: {_example(merging, e.type)}" for e in definition.inputs.values() if is_non_null(e.type)]
    return "{" + ", ".join(required) + "}"


def _from_subgraphs(merging: Merging, graph: Graph, problem: Unanswerable) -> Iterator[str]:
    reach = Reach(graph)
    seen: set[int] = set()
    moved = [p for start in problem.places for p in reach.places(start)]
    for place in (*problem.places, *moved):
        if place.subgraph in seen:
            continue
        seen.add(place.subgraph)
        reasons = list(dict.fromkeys(_Reasons(merging, graph, reach, problem).of(place)))
        head = f'- from subgraph "{merging.subgraphs[place.subgraph].name}":'
        yield f"{head} {reasons[0]}" if len(reasons) == 1 else "\n  - ".join((head, *reasons))


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Why a query can't be continued from each of the places where it could be by then."""

    merging: Merging
    graph: Graph
    reach: Reach
    problem: Unanswerable

    def of(self, place: Place) -> Iterator[str]:
        member = self.problem.member
        if member is None:
            yield f'cannot determine the type behind interface object "{place.type}".'
            return
        yield _here(self.graph, place, member, self.problem.contexts)
        starts = [start.subgraph for start in self.problem.places]
        others = [
            (index, definition)
            for index, subgraph in enumerate(self.merging.subgraphs)
            if index != place.subgraph
            and (definition := subgraph.types.get(place.known or place.type) or subgraph.types.get(place.type))
            is not None
        ]
        for index, definition in others:
            if place.subgraph in starts or index not in starts:
                yield from self.keys(place, index, definition, starts)
        for index, definition in others if place.subgraph in starts else ():
            yield from self.no_keys(index, definition, member)

    def keys(self, place: Place, index: int, definition: TypeDefinition, starts: list[int]) -> Iterator[str]:
        """Keys that can't be filled, or need not be used."""
        here, there = self.merging.subgraphs[place.subgraph].name, self.merging.subgraphs[index].name
        for key in self.graph.resolvable_keys(index, definition.name):
            using = f'to subgraph "{there}" using @key(fields: "{printed(key)}") of "{definition.name}"'
            if not self.reach.has(place, key):
                note = f' (note that some of those key fields are overridden in "{here}")'
                moved = self.overridden(place, key)
                yield f'cannot move {using}, the key field(s) cannot be resolved from subgraph "{here}"{note if moved else ""}.'
            elif index in starts:
                yield f"ignoring moving {using} because there is a more direct path in {there} that avoids {here} altogether."

    def overridden(self, place: Place, key: FieldSet) -> bool:
        """Whether some field of a key has moved away."""
        subgraph = self.merging.subgraphs[place.subgraph]
        coordinates = subgraph.selected(place.type, printed(key))
        overrides = (self.graph.overrides.get((place.subgraph, coordinate)) for coordinate in coordinates)
        return any(override is not None and override.used_overridden for override in overrides)

    def no_keys(self, index: int, definition: TypeDefinition, member: FieldDefinition) -> Iterator[str]:
        """Subgraphs that have the field and can't be entered."""
        subgraph = self.merging.subgraphs[index]
        own = definition.fields.get(member.name)
        if own is None or subgraph.is_external(own):
            return
        has = f'cannot move to subgraph "{subgraph.name}", which has field "{member.coordinate}", because'
        if not subgraph.keys(definition):
            yield f'{has} type "{definition.name}" has no @key defined in subgraph "{subgraph.name}".'
        elif not self.graph.resolvable_keys(index, definition.name):
            yield (
                f'{has} none of the @key defined on type "{definition.name}" in subgraph "{subgraph.name}" are resolvable (they are all '
                'declared with their "resolvable" argument set to false).'
            )


def _here(graph: Graph, place: Place, member: FieldDefinition, contexts: frozenset[str]) -> str:  # noqa: PLR0911 - one line per reason
    subgraph = graph.subgraphs[place.subgraph]
    definition = graph.definition(place)
    own = definition.fields.get(member.name)
    if own is None or definition.kind is not Kind.OBJECT:
        return f'cannot find field "{member.coordinate}".'
    if subgraph.is_external(own):
        return f'field "{member.coordinate}" is not resolvable because marked @external.'
    if subgraph.has(own, "requires"):
        step = graph.step(place, member.name)
        if step is not None and Reach(graph).has(place, step.requires):
            return (
                f'@require condition on field "{member.coordinate}" can be satisfied but missing usable key on "{place.type}" in subgraph '
                f'"{subgraph.name}" to resume query.'
            )
        return f'cannot satisfy @require conditions on field "{member.coordinate}"{_external_keys(graph, place)}.'
    step = graph.step(place, member.name)
    if step is not None and not step.contexts <= contexts:
        return f'could not find a match for required context for field "{member.coordinate}".'
    override = graph.overrides.get((place.subgraph, own.coordinate))
    if override is not None and override.label is not None:
        return _not_now(graph, place, own, override.label)
    if override is not None and override.used_overridden:
        movers = [s.name for s in graph.subgraphs if _takes(s, own.coordinate, subgraph.name)]
        return f'field "{member.coordinate}" is not resolvable because it is overridden by {subgraphs(movers)}.'
    return f'cannot find field "{member.coordinate}".'


def _takes(subgraph: Subgraph, coordinate: str, source: str) -> bool:
    """Whether a subgraph overrides a field of another one."""
    member = subgraph.field_at(coordinate)
    override = subgraph.application(member, "override") if member else None
    return override is not None and override.arguments.get("from") == source


def _external_keys(graph: Graph, place: Place) -> str:
    """A key that is marked @external by accident is a likely reason why nobody can come back."""
    subgraph, definition = graph.subgraphs[place.subgraph], graph.definition(place)
    names = dict.fromkeys(
        selection.name
        for key in graph.keys(place)
        for selection in key
        if not isinstance(selection, Fragment)
        and (member := definition.fields.get(selection.name)) is not None
        and subgraph.is_external(member)
    )
    if not names:
        return ""
    told = ", ".join(f'"{name}"' for name in names)
    word = "field" if len(names) == 1 else "fields"
    return f" (please ensure that this is not due to key {word} {told} being accidentally marked @external)"


def _not_now(graph: Graph, place: Place, member: FieldDefinition, label: str) -> str:
    subgraph = graph.subgraphs[place.subgraph]
    wanted, given = ("true", "false") if subgraph.has(member, "override") else ("false", "true")
    return (
        f"Unable to take edge {place.type}({subgraph.name}) -> {named(member.type)}({subgraph.name}) ({label} = {wanted} ⊢ {member.name}) "
        f'because override condition "{label}" is {given}.'
    )
