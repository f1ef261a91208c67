"""Whether what was merged is GraphQL still: each subgraph kept its promises, but perhaps not those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from graphql import Node as AstNode

from router.composition.merge.merging import Merging
from router.composition.validation import graphql_building, graphql_types
from router.federation.codes import CompositionError
from router.federation.elements import Schema


@dataclass(frozen=True, slots=True)
class _Supergraph:
    schema: Schema

    def error(self, code: str, message: str, *_nodes: AstNode | None) -> CompositionError:
        """Nobody wrote the supergraph, so there is no place to point at."""
        return CompositionError(code, message)


def check(merging: Merging) -> None:
    """Check the supergraph against the rules of GraphQL that merging may break."""
    supergraph = _Supergraph(merging.supergraph)
    merging.errors += islice(graphql_building.missing(supergraph), 1)
    if not merging.errors:
        merging.errors += graphql_types.check_types(supergraph)
