"""Subgraphs in; a supergraph out, or every reason why not: the steps of composition in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from router.composition.merge.merge import merge
from router.composition.merge.merging import Merging
from router.composition.satisfiability import check as satisfiability
from router.composition.supergraph_sdl import print_supergraph
from router.composition.validation import (
    graphql,
    inaccessible,
    interface_rules,
    merge_rules,
    merged_graphql,
    subgraph_rules,
    transitive_access,
)
from router.federation.codes import CompositionError, Hint
from router.federation.directives import join_version
from router.federation.implied_version import implied
from router.federation.loading import load
from router.federation.spec import Version
from router.federation.subgraph import Subgraph, SubgraphSource
from router.federation.upgrade import upgrade

__all__ = ["Composed", "CompositionError", "Hint", "Refused", "SubgraphSource", "supergraph"]


@dataclass(frozen=True, slots=True)
class Composed:
    """A supergraph, and what looks odd about it."""

    supergraph_sdl: str
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Every reason why there is no supergraph."""

    errors: tuple[CompositionError, ...]
    hints: tuple[Hint, ...] = ()


def supergraph(
    sources: Sequence[SubgraphSource], *, most_subgraph_paths: int = satisfiability.MOST_SUBGRAPH_PATHS
) -> Composed | Refused:
    """Compose subgraphs; the order in which they are given does not matter."""
    ordered = sorted(sources, key=lambda source: source.name)
    subgraphs, errors = _load(ordered)
    errors += _doubled(ordered)
    # Federation 1 is checked as it was written, and again as what it was upgraded to.
    errors += (error for subgraph in subgraphs for error in _check(subgraph))
    if not errors:
        old = {subgraph.name for subgraph in subgraphs if subgraph.is_federation_1}
        subgraphs, errors = upgrade(subgraphs)
        # What could not be upgraded need not be valid afterwards.
        old = {name for name in old if not any(error.message.startswith(f"[{name}] ") for error in errors)}
        errors += [error for subgraph in subgraphs if subgraph.name in old for error in _check(subgraph)]
    if errors:
        return Refused(tuple(sorted(errors, key=lambda error: error.message.split("]")[0])))
    version = max((_needed_version(subgraph) for subgraph in subgraphs), default=Version(2, 0))
    merging = Merging(tuple(subgraphs), version, join_version(version))
    merge_rules.check_before(merging)
    merge(merging)
    interface_rules.check(merging)
    if not merging.errors:
        merge_rules.check_after(merging)
        transitive_access.check(merging)
    query = merging.supergraph.types.get("Query")
    if "query" not in merging.supergraph.roots or query is None or not query.fields:
        merging.error("NO_QUERIES", "No queries found in any subgraph: a supergraph must have a query root type.")
    if not merging.errors:
        merged_graphql.check(merging)
    if not merging.errors:
        inaccessible.check(merging)
    if not merging.errors:
        satisfiability.check(merging, merging.overrides, most_subgraph_paths)
    if merging.errors:
        return Refused(tuple(merging.errors))
    return Composed(print_supergraph(merging.supergraph), tuple(merging.hints))


def _doubled(sources: Sequence[SubgraphSource]) -> list[CompositionError]:
    """Subgraphs are known by their names."""
    return [
        CompositionError(
            "INVALID_SUBGRAPH_NAME",
            f"[{source.name}] A subgraph named {source.name} already exists (with url '{other.url}')",
        )
        for other, source in pairwise(sources)
        if source.name == other.name
    ]


def _needed_version(subgraph: Subgraph) -> Version:
    """The federation that a subgraph links, or a newer one that something else it links needs."""
    needed = implied(subgraph.links)
    return max(subgraph.version, needed[0]) if needed else subgraph.version


def _check(subgraph: Subgraph) -> list[CompositionError]:
    """Federation has nothing to say about what is no GraphQL, nor about what is not upgraded yet."""
    problems = list(graphql.check(subgraph))
    if problems:
        return problems
    return [*subgraph.misnamed, *(() if subgraph.is_federation_1 else subgraph_rules.check(subgraph))]


def _load(sources: Sequence[SubgraphSource]) -> tuple[list[Subgraph], list[CompositionError]]:
    subgraphs: list[Subgraph] = []
    errors: list[CompositionError] = []
    for source in sources:
        match load(source):
            case Subgraph() as subgraph:
                subgraphs.append(subgraph)
            case problems:
                errors.extend(problems)
    return subgraphs, errors
