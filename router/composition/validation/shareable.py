"""@shareable: on fields of object types, once per declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from router.federation.codes import CompositionError
from router.federation.elements import Kind, TypeDefinition
from router.federation.subgraph import Subgraph

_TWICE = (
    "@shareable is only repeatable on types so it can be used simultaneously on a type definition and its extensions, but it should "
    "not be duplicated on the same definition/extension declaration"
)


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check where @shareable is applied."""
    for definition in subgraph.types.values():
        if definition.kind is Kind.INTERFACE:
            yield from _on_interface(subgraph, definition)
        elif definition.kind is Kind.OBJECT:
            yield from _twice(subgraph, definition)


def _on_interface(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    for member in definition.fields.values():
        for application in subgraph.applications(member, "shareable"):
            yield subgraph.error(
                "INVALID_SHAREABLE_USAGE",
                f'Invalid use of @shareable on field "{member.coordinate}": only object type fields can be marked with @shareable',
                application.node,
                definition.last_part,
            )


def _twice(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    parts = Counter(application.part for application in subgraph.applications(definition, "shareable"))
    for part, count in parts.items():
        if count > 1:
            nodes = [a.node for a in subgraph.applications(definition, "shareable") if a.part == part]
            yield subgraph.error(
                "INVALID_SHAREABLE_USAGE",
                f'Invalid duplicate application of @shareable on the same type declaration of "{definition.name}": {_TWICE}',
                *nodes,
            )
    for member in definition.fields.values():
        applications = subgraph.applications(member, "shareable")
        if len(applications) > 1:
            yield subgraph.error(
                "INVALID_SHAREABLE_USAGE",
                f'Invalid duplicate application of @shareable on field "{member.coordinate}": {_TWICE}',
                *(application.node for application in applications),
            )
