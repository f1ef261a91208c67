"""Who resolves each field of a supergraph, and why: read from the joins, so it holds for anybody's supergraph.

For every field of every type that clients may reach there is one entry; in it, each subgraph that has the field says either
why it answers (alone, shared, taken over, by its own key), or why it doesn't although it has it (external, overridden).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from router.federation.joins import FieldJoin
from router.federation.supergraph import Supergraph
from router.graph.build import QueryGraph
from router.graph.nodes import Node
from router.graph.selections import Field, Selections


@dataclass(frozen=True, slots=True)
class Hop:
    """A way from one subgraph into another by a key that the first can fill itself."""

    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Part:
    """What one subgraph has to do with a field."""

    subgraph: str
    resolves: bool
    reasons: tuple[str, ...]
    requires: str | None = None
    provides: str | None = None
    label: str | None = None
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """One field and everybody who has it, in the order of their names."""

    coordinate: str
    type: str
    parts: tuple[Part, ...]
    # The object types that answer instead, if it is a field of an interface.
    behind: tuple[str, ...] = ()


def of(supergraph: Supergraph) -> tuple[Resolution, ...]:
    """Explain every field, sorted by type; fields stay in their order."""
    return tuple(_Explanation(supergraph, QueryGraph(supergraph)).all())


def as_json(resolutions: tuple[Resolution, ...]) -> list[dict[str, Any]]:
    """The explanation as JSON has it."""
    return [asdict(resolution) for resolution in resolutions]


def as_text(resolutions: tuple[Resolution, ...]) -> str:
    """The explanation for people."""
    return "\n".join(line for resolution in resolutions for line in _lines(resolution))


def _lines(resolution: Resolution) -> Iterator[str]:
    yield f"{resolution.coordinate}: {resolution.type}"
    if resolution.behind:
        yield f"  by each object behind the interface: {', '.join(resolution.behind)}"
    for part in resolution.parts:
        yield f"  {'+' if part.resolves else '-'} {part.subgraph}: {'; '.join(part.reasons)}"
        for hop in part.hops:
            yield f'      reached from {hop.source} by @key(fields: "{hop.key}")'


@dataclass(frozen=True, slots=True)
class _Explanation:
    supergraph: Supergraph
    graph: QueryGraph

    def all(self) -> Iterator[Resolution]:
        for name in sorted(self.supergraph.types):
            definition = self.graph.type(name)
            if isinstance(definition, GraphQLObjectType | GraphQLInterfaceType):
                for field, member in definition.fields.items():
                    yield self._field(definition, field, str(member.type))

    def _field(self, definition: GraphQLObjectType | GraphQLInterfaceType, name: str, type_text: str) -> Resolution:
        is_interface = isinstance(definition, GraphQLInterfaceType)
        found = [*self._parts(definition.name, name, is_interface=is_interface), *self._from_above(definition, name)]
        behind = sorted(self.graph.all_possible(definition.name)) if is_interface else []
        parts = tuple(sorted(found, key=lambda part: part.subgraph))
        return Resolution(f"{definition.name}.{name}", type_text, parts, tuple(behind))

    def _parts(self, type_name: str, name: str, *, is_interface: bool) -> Iterator[Part]:
        joins = self.supergraph.field_joins(type_name, name)
        for graph, join in joins.items():
            # A usual interface resolves nothing; one that is known as an object does.
            if not is_interface or self.graph.is_interface_object(Node(type_name, graph)):
                yield self._part(type_name, name, join, sum(_may_resolve(other) for other in joins.values()))

    def _from_above(self, definition: GraphQLObjectType | GraphQLInterfaceType, name: str) -> Iterator[Part]:
        """What an object has because a subgraph adds it to all objects behind an interface."""
        for interface in definition.interfaces if isinstance(definition, GraphQLObjectType) else ():
            for graph, join in self.supergraph.field_joins(interface.name, name).items():
                if self.graph.is_interface_object(Node(interface.name, graph)) and _may_resolve(join):
                    reason = f"adds it to every {interface.name} as @interfaceObject"
                    hops = tuple(self._hops(definition.name, interface.name, graph))
                    part = self._part(interface.name, name, join, resolving=1)
                    yield replace(part, reasons=(reason, *part.reasons[1:]), hops=hops)

    def _part(self, type_name: str, name: str, join: FieldJoin, resolving: int) -> Part:
        resolves = _may_resolve(join)
        reasons = self._why(join, resolving) if resolves else self._why_not(type_name, name, join)
        return Part(
            subgraph=self._subgraph(join.graph),
            resolves=resolves,
            reasons=tuple(reasons),
            requires=join.requires,
            provides=join.provides,
            label=join.label,
            hops=tuple(self._hops(type_name, type_name, join.graph)) if resolves else (),
        )

    def _why(self, join: FieldJoin, resolving: int) -> Iterator[str]:
        if join.label is not None:
            state = "on" if join.overrides is not None else "off"
            yield f'resolves it while the label "{join.label}" is {state}'
        elif resolving == 1:
            yield "resolves it alone"
        else:
            yield "resolves it, shared with others"
        if join.overrides is not None:
            yield f"taken over from {join.overrides} by @override"
        if join.requires is not None:
            yield f'@requires(fields: "{join.requires}")'
        if join.provides is not None:
            yield f'@provides(fields: "{join.provides}")'
        for argument in join.context_arguments:
            yield f"argument {argument.name} is filled from the context {argument.context}"

    def _why_not(self, type_name: str, name: str, join: FieldJoin) -> Iterator[str]:
        if not join.external:
            yield "does not resolve it: overridden"
            return
        yield "does not resolve it: @external"
        coordinate = f"{type_name}.{name}"
        if any(coordinate in self._mentioned(keys, type_name) for keys in self._keys(type_name, join.graph)):
            yield "part of its key, which it can give out"
        for user, kind, fields, parent in self._users(join.graph):
            if coordinate in self._mentioned(fields, parent):
                yield f"{kind} {user}"

    def _keys(self, type_name: str, graph: str) -> Iterator[str]:
        joined = self.supergraph.types[type_name].graphs.get(graph)
        yield from (key.fields for key in (joined.keys if joined else ()))

    def _users(self, graph: str) -> Iterator[tuple[str, str, str, str]]:
        """All fields of a subgraph that require or provide something: who, how, what, and below which type."""
        for owner in sorted(self.supergraph.types):
            for field, joins in self.supergraph.types[owner].fields.items():
                join = joins.get(graph)
                if join is not None and join.requires is not None:
                    yield f"{owner}.{field}", "required by", join.requires, owner
                if join is not None and join.provides is not None:
                    yield f"{owner}.{field}", "provided by", join.provides, join.type.strip("[]!")

    def _mentioned(self, fields: str, type_name: str) -> frozenset[str]:
        return frozenset(self._coordinates(self.graph.field_set(fields, type_name), type_name))

    def _coordinates(self, selections: Selections, type_name: str) -> Iterator[str]:
        for item in selections:
            if not isinstance(item, Field):
                yield from self._coordinates(item.selections, item.on)
                continue
            yield f"{type_name}.{item.name}"
            parent = self.graph.type(type_name)
            if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and item.name in parent.fields:
                yield from self._coordinates(item.selections, get_named_type(parent.fields[item.name].type).name)

    def _hops(self, type_name: str, entered: str, graph: str) -> Iterator[Hop]:
        """The direct ways in: from each subgraph that has the type and can fill a resolvable key by itself."""
        joined = self.supergraph.types[entered].graphs.get(graph)
        for source in self.graph.graphs:
            if source == graph or type_name in self.graph.root_types or not self.graph.has(type_name, source):
                continue
            for key in joined.keys if joined else ():
                if key.resolvable and self._has(Node(type_name, source), self.graph.field_set(key.fields, type_name)):
                    yield Hop(self._subgraph(source), key.fields)

    def _has(self, node: Node, selections: Selections) -> bool:
        """Whether a subgraph can give out a field set without asking anybody else."""
        for item in selections:
            if not isinstance(item, Field):
                if not self._has(self.graph.narrowed(node, item.on), item.selections):
                    return False
                continue
            move = self.graph.field(node, item.name)
            if move is None or move.requires or (move.target and not self._has(move.target, item.selections)):
                return False
        return True

    def _subgraph(self, graph: str) -> str:
        return self.supergraph.endpoint(graph).name


def _may_resolve(join: FieldJoin) -> bool:
    """Whether the subgraph answers the field under some choice of labels."""
    return not join.external and (join.label is not None or not join.overridden)
