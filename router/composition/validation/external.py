"""@external: never on interface fields, never without use."""

from __future__ import annotations

from collections.abc import Iterator

from router.federation.codes import CompositionError
from router.federation.elements import Kind
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all external fields of a subgraph."""
    for definition in subgraph.types.values():
        for member in definition.fields.values():
            if definition.kind is Kind.INTERFACE and subgraph.is_external(member):
                yield subgraph.error(
                    "EXTERNAL_ON_INTERFACE",
                    f'Interface type field "{member.coordinate}" is marked @external but @external is not allowed on interface fields '
                    "(it is nonsensical).",
                    member.node,
                )
    for member in subgraph.fields():
        if subgraph.is_external(member) and not subgraph.is_used(member):
            yield subgraph.error(
                "EXTERNAL_UNUSED",
                f'Field "{member.coordinate}" is marked @external but is not used in any federation directive (@key, @provides, '
                "@requires) or to satisfy an interface; the field declaration has no use and should be removed (or the field should "
                "not be @external).",
                member.node,
            )
