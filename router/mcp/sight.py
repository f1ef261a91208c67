"""What of a schema a caller may see: the fields that they may ask for, and the types that these lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_type,
)

May = Callable[[str, str], bool]
"""Whether a field of a type may be asked for."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The visible types by name; of those with fields, the visible fields."""

    types: Mapping[str, GraphQLNamedType]
    fields: Mapping[str, Mapping[str, GraphQLField]]

    def printed(self, name: str) -> str | None:
        """Return a type in the schema language, with its visible fields; None when there is no such type."""
        kind = self.types.get(name)
        match kind:
            case None:
                return None
            case GraphQLObjectType():
                shown = GraphQLObjectType(name, dict(self.fields[name]), description=kind.description)
                return print_type(shown)
            case GraphQLInterfaceType():
                return print_type(GraphQLInterfaceType(name, dict(self.fields[name]), description=kind.description))
            case _:
                return print_type(kind)


def seen(schema: GraphQLSchema, may: May) -> Sight:
    """Walk from the root types along whatever may be asked for."""
    types: dict[str, GraphQLNamedType] = {}
    fields: dict[str, dict[str, GraphQLField]] = {}
    pending: list[GraphQLNamedType] = [
        root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root
    ]
    while pending:
        kind = pending.pop()
        if kind.name in types or is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        types[kind.name] = kind
        match kind:
            case GraphQLObjectType() | GraphQLInterfaceType():
                shown = {name: one for name, one in kind.fields.items() if may(kind.name, name)}
                fields[kind.name] = shown
                for one in shown.values():
                    pending += [get_named_type(one.type), *(get_named_type(arg.type) for arg in one.args.values())]
                if isinstance(kind, GraphQLInterfaceType):
                    pending += schema.get_possible_types(kind)
            case GraphQLUnionType():
                pending += kind.types
            case GraphQLInputObjectType():
                pending += (get_named_type(one.type) for one in kind.fields.values())
            case _:
                pass
    return Sight(types, fields)
