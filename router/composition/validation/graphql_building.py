"""Whether a schema can be built at all: what is named exists, has the right kind, and stands where it may stand."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import NamedTypeNode
from graphql import Node as AstNode

from router.composition.validation.graphql_directives import unknown
from router.composition.validation.graphql_types import Checked
from router.federation.codes import CompositionError
from router.federation.elements import (
    BUILTIN_SCALARS,
    FieldDefinition,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    is_list,
    is_non_null,
    named,
)
from router.federation.subgraph import Subgraph

_INPUT = frozenset((Kind.SCALAR, Kind.ENUM, Kind.INPUT))
_OUTPUT = frozenset(Kind) - {Kind.INPUT}


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Tell what can't be built, in the order in which it is read."""
    schema = subgraph.schema
    for directive in schema.directives.values():
        # Definitions that are not written here are not built from here.
        written = directive.node is not None and directive.node.loc is not None
        for argument in directive.arguments.values() if written else ():
            yield from _position(subgraph, argument, is_input=True)
    yield from unknown(subgraph, schema.applied)
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield from unknown(subgraph, argument.applied)
    for definition in schema.types.values():
        yield from _type(subgraph, definition)


def _type(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    for value in definition.values.values():
        yield from unknown(subgraph, value.applied)
    for member in definition.fields.values():
        yield from _position(subgraph, member, is_input=False)
        for argument in member.arguments.values():
            yield from _position(subgraph, argument, is_input=True)
            yield from unknown(subgraph, argument.applied)
        yield from unknown(subgraph, member.applied)
    for entry in definition.inputs.values():
        yield from _position(subgraph, entry, is_input=True)
        yield from unknown(subgraph, entry.applied)
    yield from _names(subgraph, definition)
    yield from unknown(subgraph, definition.applied)


def _position(
    subgraph: Subgraph, element: FieldDefinition | InputValue, *, is_input: bool
) -> Iterator[CompositionError]:
    """Fields have output types, everything that is given has an input type."""
    base = subgraph.schema.types.get(_renamed(subgraph, named(element.type)))
    if base is None or base.kind in (_INPUT if is_input else _OUTPUT):
        return
    word = "Input" if is_input else "Output"
    kind = "NonNullType" if is_non_null(element.type) else "ListType" if is_list(element.type) else _class(base.kind)
    message = f'The type of "{element.coordinate}" must be {word} Type but got "{element.type}", a {kind}.'
    yield subgraph.error("INVALID_GRAPHQL", message, element.node)


def _renamed(subgraph: Subgraph, name: str) -> str:
    """What is written still calls a root type what it was called before."""
    return next((new for new, old in subgraph.renamed.items() if old == name), name)


def _class(kind: Kind) -> str:
    return kind.value.replace(" ", "")


def _names(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    """The interfaces and members of all parts of a type."""
    interfaces: set[str] = set()
    members: set[str] = set()
    for part in (definition.node, *definition.extensions):
        for node in _named(part, "interfaces"):
            if problem := _no_interface(subgraph.schema, definition, node.name.value, interfaces):
                yield subgraph.error("INVALID_GRAPHQL", problem, node)
        for node in _named(part, "types"):
            if problem := _no_member(subgraph, definition, node.name.value, members):
                yield subgraph.error("INVALID_GRAPHQL", problem, node)


def _named(part: AstNode | None, attribute: str) -> tuple[NamedTypeNode, ...]:
    return getattr(part, attribute, None) or ()


def _no_interface(schema: Schema, definition: TypeDefinition, name: str, seen: set[str]) -> str | None:
    found = schema.types.get(name)
    if found is None and name not in BUILTIN_SCALARS:
        return f"Cannot implement unknown type {name}"
    if found is None or found.kind is not Kind.INTERFACE:
        return f"Cannot implement non-interface type {name} (of type {_class(found.kind if found else Kind.SCALAR)})"
    if name in seen:
        return f'Type "{definition.name}" can only implement "{name}" once.'
    seen.add(name)
    return None


def _no_member(subgraph: Subgraph, union: TypeDefinition, name: str, seen: set[str]) -> str | None:
    found = subgraph.schema.types.get(_renamed(subgraph, name))
    if found is not None and found.last_part is None and found.kind is Kind.OBJECT:
        found = None  # the query type that nobody wrote
    if found is None and name not in BUILTIN_SCALARS:
        return f"Cannot add unknown type {name} as member of union type {union.name}"
    if found is None or found.kind is not Kind.OBJECT:
        kind = _class(found.kind if found else Kind.SCALAR)
        return f"Cannot add non-object type {name} (of type {kind}) as member of union type {union.name}"
    if name in seen:
        return f'Union type "{union.name}" can only include type "{name}" once.'
    seen.add(name)
    return None


def missing(merged: Checked) -> Iterator[CompositionError]:
    """Types that a supergraph names and does not have; nothing else can be checked then."""
    schema = merged.schema
    for definition in schema.types.values():
        for name in definition.members:
            if name not in schema.types:
                message = f"Cannot add unknown type {name} as member of union type {definition.name}"
                yield merged.error("INVALID_GRAPHQL", message)
    for name in _references(schema):
        if name not in schema.types and name not in BUILTIN_SCALARS:
            yield merged.error("INVALID_GRAPHQL", f"Unknown type {name}")


def _references(schema: Schema) -> Iterator[str]:
    yield from schema.roots.values()
    for definition in schema.types.values():
        yield from definition.interfaces
        for member in definition.fields.values():
            yield named(member.type)
            yield from (named(argument.type) for argument in member.arguments.values())
        yield from (named(entry.type) for entry in definition.inputs.values())
    for directive in schema.directives.values():
        yield from (named(argument.type) for argument in directive.arguments.values())
