"""@interfaceObject: only on types that have a key."""

from __future__ import annotations

from collections.abc import Iterator

from router.federation.codes import CompositionError
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all interface objects of a subgraph."""
    for definition in subgraph.types.values():
        if subgraph.has(definition, "interfaceObject") and not subgraph.keys(definition):
            yield subgraph.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'The @interfaceObject directive can only be applied to entity types but type "{definition.name}" has no @key in this '
                "subgraph.",
                definition.last_part,
            )
