"""What the executor must know of the supergraph's types: who satisfies a type condition, and who is found by which key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    is_abstract_type,
    is_interface_type,
    is_object_type,
    parse,
)

from router.federation.supergraph import Supergraph

KeyFields = frozenset[tuple[str, ...]]
"""The leaves of a key: `id org { id }` is {("id",), ("org", "id")}."""


@dataclass(frozen=True, slots=True)
class RuntimeTypes:
    """Types by name: whatever a subgraph says is looked up here, and unknown names satisfy nothing."""

    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], tuple[KeyFields, ...]] = field(default_factory=dict)
    objects: frozenset[str] = frozenset()

    @staticmethod
    def of(supergraph: Supergraph) -> RuntimeTypes:
        """Read the supergraph once, so that a request only looks up."""
        schema = supergraph.schema
        keys = {place: tuple(key) for place, key in _keys(supergraph)}
        members = {name: _members(schema, name) for name in schema.type_map}
        objects = frozenset(name for name, named in schema.type_map.items() if is_object_type(named))
        return RuntimeTypes(members, keys, objects)

    def satisfies(self, type_name: Any, condition: str) -> bool:
        """Tell whether an object that says it's of this type fits the condition."""
        if type_name == condition:
            return True
        return isinstance(type_name, str) and type_name in self.members.get(condition, ())

    def keyed(self, service: str, representation: Mapping[str, Any]) -> bool:
        """Tell whether the service may find this entity: of one of its keys something is there that is not null.

        Part of a key may well be null and still name the entity: whether it does is the service's to say.
        """
        keys = self.keys.get((service, representation["__typename"]))
        if not keys:
            return True
        return any(_present(representation, leaf) for key in keys for leaf in key)


def _members(schema: GraphQLSchema, name: str) -> frozenset[str]:
    named = schema.type_map[name]
    if not is_abstract_type(named):
        return frozenset()
    below = {member.name for member in schema.get_possible_types(named)}
    if is_interface_type(named):
        below |= {interface.name for interface in schema.get_implementations(named).interfaces}
    return frozenset(below)


def _keys(supergraph: Supergraph) -> Iterator[tuple[tuple[str, str], list[KeyFields]]]:
    for endpoint in supergraph.subgraphs.values():
        for joined in supergraph.types.values():
            join = joined.graphs.get(endpoint.graph)
            if join is not None and join.keys:
                yield (endpoint.name, joined.name), [_leaves(key.fields) for key in join.keys]


def _leaves(fields: str) -> KeyFields:
    operation = parse(f"{{ {fields} }}", no_location=True).definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        return frozenset()
    return frozenset(_paths(operation.selection_set))


def _paths(selection_set: SelectionSetNode) -> Iterator[tuple[str, ...]]:
    for selection in selection_set.selections:
        match selection:
            case FieldNode(selection_set=SelectionSetNode() as inner):
                yield from ((selection.name.value, *path) for path in _paths(inner))
            case FieldNode():
                yield (selection.name.value,)
            case InlineFragmentNode():
                yield from _paths(selection.selection_set)
            case _:
                pass


def _present(value: Any, leaf: tuple[str, ...]) -> bool:
    if isinstance(value, list):
        return not value or any(_present(item, leaf) for item in value)
    if not leaf:
        return value is not None
    return isinstance(value, dict) and _present(value.get(leaf[0]), leaf[1:])
