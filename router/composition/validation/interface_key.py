"""A key of an interface must be a key of all its implementations in the same subgraph."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.merge.wording import types
from router.federation.codes import CompositionError
from router.federation.elements import Applied, Kind, TypeDefinition, printed_arguments
from router.federation.fieldsets import FieldSetSyntaxError, parse
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check the keys of all interfaces."""
    for definition in subgraph.types.values():
        if definition.kind is Kind.INTERFACE:
            for key in subgraph.keys(definition):
                yield from _check(subgraph, definition, key)


def _check(subgraph: Subgraph, interface: TypeDefinition, key: Applied) -> Iterator[CompositionError]:
    implementations = subgraph.schema.implementations(interface.name)
    wanted, resolvable = _fields(key), key.arguments.get("resolvable") is not False
    lacking, closed = [], []
    for implementation in implementations:
        same = [other for other in subgraph.keys(implementation) if _fields(other) == wanted]
        if not same:
            lacking.append(implementation.name)
        elif resolvable and all(other.arguments.get("resolvable") is False for other in same):
            closed.append(implementation.name)
    told = f"@{key.name}{printed_arguments(key.arguments)}"
    if lacking:
        yield subgraph.error(
            "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
            f'Key {told} on interface type "{interface.name}" is missing on implementation {types(lacking)}.',
            *(subgraph.schema.types[name].last_part for name in lacking),
        )
    elif closed:
        yield subgraph.error(
            "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
            f'Key {told} on interface type "{interface.name}" should be resolvable on all implementation types, but is declared with '
            f'argument "@key(resolvable:)" set to false in {types(closed)}.',
            *(subgraph.schema.types[name].last_part for name in closed),
        )


def _fields(key: Applied) -> object:
    """The field set as a value that ignores order and spacing."""
    text = key.arguments.get("fields")
    try:
        return frozenset(parse(text)) if isinstance(text, str) else text
    except FieldSetSyntaxError:
        return text
