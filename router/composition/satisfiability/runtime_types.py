"""A shared field must return the same objects from wherever it is resolved; different sets of types make that doubtful."""

from __future__ import annotations

from collections.abc import Iterable

from router.composition.merge.merging import Merging
from router.composition.merge.wording import listed, subgraphs
from router.composition.merge.wording import types as named_types
from router.composition.satisfiability.explain import witness
from router.composition.satisfiability.graph import Graph, Place
from router.federation.codes import Node
from router.federation.elements import FieldDefinition


def check_runtime_types(
    merging: Merging,
    graph: Graph,
    member: FieldDefinition,
    places: tuple[Place, ...],
    path: tuple[FieldDefinition | str, ...],
) -> bool:
    """Compare the types that a field can return in the subgraphs that resolve it; tell whether they differ."""
    found = {
        place.subgraph: graph.subgraphs[place.subgraph].schema.runtime_types(place.type)
        for place in places
        # Where the field returns one kind of object only, there is nothing to choose.
        if not graph.is_interface_object(place) and graph.definition(place).is_abstract
    }
    if len(set(found.values())) <= 1:
        return False
    query = f'For the following supergraph API query:\n{witness(merging, path)}\nShared field "{member.coordinate}" return type "{member.type}"'
    common = frozenset.intersection(*found.values())
    if common:
        _hint(merging, member, found, common, query)
    else:
        _refuse(merging, member, found, query)
    return True


def _refuse(merging: Merging, member: FieldDefinition, found: dict[int, frozenset[str]], query: str) -> None:
    groups: dict[frozenset[str], list[int]] = {}
    for index, types in found.items():
        groups.setdefault(types, []).append(index)
    told = ";\n".join(
        f" - in {subgraphs(merging.names(indices))}, {_types(types)}" for types, indices in groups.items()
    )
    merging.error(
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES",
        f"{query} has a non-intersecting set of possible runtime types across subgraphs. Runtime types in subgraphs are:\n{told}.\n"
        "This is not allowed as shared fields must resolve the same way in all subgraphs, and that implies at least some common runtime "
        "types between the subgraphs.",
        _places(merging, member, found),
    )


def _places(merging: Merging, member: FieldDefinition, found: Iterable[int]) -> list[Node]:
    """Where the subgraphs define the field."""
    subgraphs_of = (merging.subgraphs[index] for index in found)
    return [at for subgraph in subgraphs_of if (at := subgraph.place(subgraph.node_at(member.coordinate))) is not None]


def _hint(
    merging: Merging, member: FieldDefinition, found: dict[int, frozenset[str]], common: frozenset[str], query: str
) -> None:
    never = ";\n".join(
        f' - {subgraphs(merging.names([index]))} should never resolve "{member.coordinate}" to an object of {named_types(sorted(types - common))}'
        for index, types in found.items()
        if types - common
    )
    merging.hint(
        "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN",
        f"{query} has different sets of possible runtime types across subgraphs.\n"
        f"Since a shared field must be resolved the same way in all subgraphs, make sure that {subgraphs(merging.names(list(found)))} only "
        f'resolve "{member.coordinate}" to objects of {named_types(sorted(common))}. In particular:\n{never}.\n'
        "Otherwise the @shareable contract will be broken.",
        member.coordinate,
        _places(merging, member, found),
    )


def _types(names: frozenset[str]) -> str:
    """All of them, however long the list gets."""
    if not names:
        return "no runtime type is defined"
    word = "type" if len(names) == 1 else "types"
    return f"{word} " + listed([f'"{name}"' for name in sorted(names)])
