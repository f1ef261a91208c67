"""A shared field must return the same objects from wherever it is resolved; different sets of types make that doubtful."""

from __future__ import annotations

from router.composition.merge.merging import Merging
from router.composition.merge.wording import listed, subgraphs
from router.composition.satisfiability.graph import Graph, Place
from router.federation.elements import FieldDefinition


def check_runtime_types(
    merging: Merging,
    graph: Graph,
    member: FieldDefinition,
    places: frozenset[Place],
    path: tuple[FieldDefinition | str, ...],
) -> None:
    """Compare the types that a field can return in the subgraphs that resolve it."""
    found = {
        place.subgraph: graph.subgraphs[place.subgraph].schema.runtime_types(place.type)
        for place in sorted(places, key=lambda place: place.subgraph)
        if not graph.is_interface_object(place)
    }
    if len(set(found.values())) <= 1:
        return
    common = frozenset.intersection(*found.values())
    del path
    by_types: dict[frozenset[str], list[str]] = {}
    for index, types in found.items():
        by_types.setdefault(types, []).append(merging.subgraphs[index].name)
    told = ";\n".join(f" - in {subgraphs(names)}, {_types(types)}" for types, names in by_types.items())
    if common:
        merging.hint(
            "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
            f'For the following supergraph API query:\nShared field "{member.coordinate}" return type "{member.type}" has different sets of '
            f"possible runtime types across subgraphs:\n{told}.",
            member.coordinate,
        )
    else:
        merging.error(
            "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
            f'Shared field "{member.coordinate}" return type "{member.type}" has a non-intersecting set of possible runtime types across '
            f"subgraphs. Runtime types in subgraphs are:\n{told}.",
        )


def _types(names: frozenset[str]) -> str:
    return listed([f'"{name}"' for name in sorted(names)], prefix="type", plural="types") if names else "no type"
