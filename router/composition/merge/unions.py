"""Unions: every member that some subgraph lists, each with the subgraphs that list it."""

from __future__ import annotations

from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, TypeDefinition


def merge_union(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Merge one union."""
    owners = present(sources)
    for name in dict.fromkeys(name for owner in owners.values() for name in owner.members):
        merged.members[name] = None
        having = [index for index, owner in owners.items() if name in owner.members]
        for index in having:
            merged.applied.append(Applied("join__unionMember", {"graph": merging.graph(index), "member": name}))
        _hint(merging, sources, merged, name, having)


def _hint(
    merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition, name: str, having: list[int]
) -> None:
    lacking = [index for index in present(sources) if index not in having]
    if not lacking:
        return
    merging.hint(
        "INCONSISTENT_UNION_MEMBER",
        f'Union type "{merged.name}" includes member type "{name}" in some but not all defining subgraphs: "{name}" is defined in '
        f"{subgraphs(merging.names(having))} but not in {subgraphs(merging.names(lacking))}.",
        merged.name,
        merging.places(sources),
    )
