"""Whether a subgraph is GraphQL at all, with the freedom of federation to leave root types empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from router.composition.validation import graphql_building, graphql_directives, graphql_types, shadowed_imports
from router.federation.codes import CompositionError
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check one subgraph against the rules of GraphQL."""
    phases: tuple[Callable[[], Iterator[CompositionError]], ...] = (
        lambda: chain(subgraph.broken, graphql_building.check(subgraph)),
        lambda: chain(
            graphql_directives.check(subgraph), graphql_types.check(subgraph), shadowed_imports.check(subgraph)
        ),
    )
    for phase in phases:
        found = list(phase())
        yield from found
        if found:
            # What comes next makes no sense of it.
            return
