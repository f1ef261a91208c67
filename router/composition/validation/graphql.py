"""Whether a subgraph is GraphQL at all, with the freedom of federation to leave root types empty."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.validation import graphql_directives, graphql_types
from router.federation.codes import CompositionError
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check one subgraph against the rules of GraphQL."""
    unknown = next(graphql_types.unknown_types(subgraph), None)
    if unknown is not None:
        yield unknown
        return
    for definition in subgraph.schema.directives.values():
        for argument in definition.arguments.values():
            yield from graphql_types.default_value(subgraph, argument, "argument")
    yield from graphql_directives.check(subgraph)
    yield from graphql_types.check(subgraph)
