"""Which subgraph has which part of each type: the `@join__*` directives of a supergraph as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from graphql import (
    BooleanValueNode,
    ConstDirectiveNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    EnumValueNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    ObjectValueNode,
    StringValueNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    ValueNode,
    print_ast,
)

from router.federation.features import Feature, Features


@dataclass(frozen=True, slots=True)
class Key:
    """One `@key` of a type in one subgraph."""

    fields: str
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class TypeJoin:
    """A type as one subgraph has it."""

    graph: str
    keys: tuple[Key, ...] = ()
    is_interface_object: bool = False


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument that the router fills from an ancestor's fields (`@fromContext`)."""

    context: str
    name: str
    type: str
    selection: str


@dataclass(frozen=True, slots=True)
class FieldJoin:
    """A field as one subgraph has it."""

    graph: str
    type: str
    requires: str | None = None
    provides: str | None = None
    external: bool = False
    overrides: str | None = None
    overridden: bool = False
    label: str | None = None
    context_arguments: tuple[ContextArgument, ...] = ()

    def is_resolved(self, labels: frozenset[str]) -> bool:
        """Whether the subgraph answers this field, given the override labels that are active."""
        if self.external:
            return False
        if self.label is not None:
            return (self.label in labels) == (self.overrides is not None)
        return not self.overridden


@dataclass(frozen=True, slots=True)
class JoinedType:
    """A type of the supergraph with all that is known of its parts, by join__Graph value."""

    name: str
    graphs: Mapping[str, TypeJoin]
    fields: Mapping[str, Mapping[str, FieldJoin]]
    implements: Mapping[str, frozenset[str]]
    members: Mapping[str, frozenset[str]]
    values: Mapping[str, frozenset[str]]
    contexts: frozenset[str]


@dataclass(frozen=True, slots=True)
class JoinReader:
    """Reads the joins of type definitions; `graphs` are all values of join__Graph."""

    features: Features
    join: Feature
    graphs: tuple[str, ...]

    def read(self, node: TypeDefinitionNode) -> JoinedType:
        """All joins of one type."""
        type_joins = self._type_joins(node)
        return JoinedType(
            name=node.name.value,
            graphs=type_joins,
            fields=MappingProxyType(
                {item.name.value: self._field_joins(item, type_joins, self._owner(node)) for item in _fields(node)}
            ),
            implements=self._implements(node, type_joins),
            members=self._members(node, type_joins),
            values=self._values(node, type_joins),
            contexts=frozenset(self._contexts(node)),
        )

    def _applied(self, node: _Joinable, name: str) -> Iterator[Mapping[str, ValueNode]]:
        wanted = self.join.directive(name)
        for directive in node.directives or ():
            if directive.name.value == wanted:
                yield _arguments(directive)

    def _owner(self, node: TypeDefinitionNode) -> str | None:
        """The one subgraph that owns an entity: a notion of join v0.1 only."""
        return next((_text(arguments.get("graph")) for arguments in self._applied(node, "owner")), None)

    def _type_joins(self, node: TypeDefinitionNode) -> Mapping[str, TypeJoin]:
        found: dict[str, TypeJoin] = {}
        for arguments in self._applied(node, "type"):
            graph = _text(arguments.get("graph")) or ""
            known = found.get(graph, TypeJoin(graph))
            key = _text(arguments.get("key"))
            keys = (Key(key, resolvable=_flag(arguments.get("resolvable"), default=True)),) if key else ()
            is_interface_object = known.is_interface_object or _flag(arguments.get("isInterfaceObject"))
            found[graph] = TypeJoin(graph, known.keys + keys, is_interface_object)
        # Join v0.1 says nothing about value types and root types: each subgraph may have them.
        return MappingProxyType(found or {graph: TypeJoin(graph) for graph in self.graphs})

    def _field_joins(self, node: _Element, types: Mapping[str, TypeJoin], owner: str | None) -> Mapping[str, FieldJoin]:
        name, own_type = node.name.value, print_ast(node.type)
        applied = list(self._applied(node, "field"))
        if not applied:
            graphs = types if owner is None else [owner]
            return MappingProxyType({graph: FieldJoin(graph, own_type) for graph in graphs})
        joins = (_field_join(arguments, own_type) for arguments in applied)
        found = {join.graph: join for join in joins if join.graph in types}
        if self.join.version == (0, 1):
            # A subgraph that extends an entity of Federation 1 can always answer the keys it names.
            for graph, type_join in types.items():
                if graph not in found and any(name in key.fields.split() for key in type_join.keys):
                    found[graph] = FieldJoin(graph, own_type)
        return MappingProxyType(found)

    def _implements(self, node: TypeDefinitionNode, types: Mapping[str, TypeJoin]) -> Mapping[str, frozenset[str]]:
        if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            return MappingProxyType({})
        applied = [
            (_text(arguments.get("graph")), _text(arguments.get("interface")))
            for arguments in self._applied(node, "implements")
        ]
        if not applied:
            everywhere = frozenset(interface.name.value for interface in node.interfaces or ())
            return MappingProxyType(dict.fromkeys(types, everywhere))
        return MappingProxyType(
            {graph: frozenset(name for where, name in applied if where == graph and name) for graph in types}
        )

    def _members(self, node: TypeDefinitionNode, types: Mapping[str, TypeJoin]) -> Mapping[str, frozenset[str]]:
        if not isinstance(node, UnionTypeDefinitionNode):
            return MappingProxyType({})
        applied = [
            (_text(arguments.get("graph")), _text(arguments.get("member")))
            for arguments in self._applied(node, "unionMember")
        ]
        if not applied:
            everywhere = frozenset(member.name.value for member in node.types or ())
            return MappingProxyType(dict.fromkeys(types, everywhere))
        return MappingProxyType(
            {graph: frozenset(name for where, name in applied if where == graph and name) for graph in types}
        )

    def _values(self, node: TypeDefinitionNode, types: Mapping[str, TypeJoin]) -> Mapping[str, frozenset[str]]:
        if not isinstance(node, EnumTypeDefinitionNode):
            return MappingProxyType({})
        found: dict[str, frozenset[str]] = {}
        for value in node.values or ():
            applied = frozenset(
                graph for arguments in self._applied(value, "enumValue") if (graph := _text(arguments.get("graph")))
            )
            found[value.name.value] = applied or frozenset(types)
        return MappingProxyType(found)

    def _contexts(self, node: TypeDefinitionNode) -> Iterator[str]:
        wanted = self.features.directive("context", "context")
        for directive in node.directives or ():
            if directive.name.value == wanted and (name := _text(_arguments(directive).get("name"))):
                yield name


_Element = FieldDefinitionNode | InputValueDefinitionNode
_Joinable = TypeDefinitionNode | EnumValueDefinitionNode | _Element


def _fields(node: TypeDefinitionNode) -> Iterable[_Element]:
    match node:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() | InputObjectTypeDefinitionNode():
            return node.fields or ()
        case _:
            return ()


def _field_join(arguments: Mapping[str, ValueNode], own_type: str) -> FieldJoin:
    return FieldJoin(
        graph=_text(arguments.get("graph")) or "",
        type=_text(arguments.get("type")) or own_type,
        requires=_text(arguments.get("requires")) or None,
        provides=_text(arguments.get("provides")) or None,
        external=_flag(arguments.get("external")),
        overrides=_text(arguments.get("override")),
        overridden=_flag(arguments.get("usedOverridden")),
        label=_text(arguments.get("overrideLabel")),
        context_arguments=tuple(_context_arguments(arguments.get("contextArguments"))),
    )


def _context_arguments(value: ValueNode | None) -> Iterator[ContextArgument]:
    for item in value.values if isinstance(value, ListValueNode) else ():
        if isinstance(item, ObjectValueNode):
            parts = {part.name.value: _text(part.value) or "" for part in item.fields}
            yield ContextArgument(parts["context"], parts["name"], parts["type"], parts["selection"])


def _arguments(directive: ConstDirectiveNode) -> Mapping[str, ValueNode]:
    return {argument.name.value: argument.value for argument in directive.arguments or ()}


def _text(value: ValueNode | None) -> str | None:
    return value.value if isinstance(value, StringValueNode | EnumValueNode) else None


def _flag(value: ValueNode | None, *, default: bool = False) -> bool:
    return value.value if isinstance(value, BooleanValueNode) else default
