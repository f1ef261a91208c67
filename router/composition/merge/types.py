"""Types before their content: which there are, and that all subgraphs mean the same kind of thing by a name."""

from __future__ import annotations

from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import distribution, subgraphs
from router.federation.elements import TypeDefinition


def add_types(merging: Merging) -> None:
    """Create an empty type for every name; refuse names that stand for different kinds."""
    names = dict.fromkeys(name for subgraph in merging.subgraphs for name in subgraph.types)
    for name in names:
        sources = merging.types_named(name)
        kinds = {merging.kind(index, d): None for index, d in present(sources).items()}
        merging.supergraph.types[name] = TypeDefinition(next(iter(kinds)), name)
        if len(kinds) == 1:
            _check_interface_objects(merging, sources, name)
        else:
            _refuse(merging, sources, name)
            # It is merged all the same, so that everything that is wrong is told at once.
            merging.torn[name] = next(iter(kinds))


def _check_interface_objects(merging: Merging, sources: Sources[TypeDefinition], name: str) -> None:
    """Somebody must define the interface that the others' objects stand for."""
    found = present(sources)
    if all(merging.subgraphs[index].is_interface_object(definition) for index, definition in found.items()):
        merging.error(
            "INTERFACE_OBJECT_USAGE_ERROR",
            f'Type "{name}" is declared with @interfaceObject in all the subgraphs in which it is defined (it is defined in '
            f"{subgraphs(merging.names(list(found)))} but should be defined as an interface in at least one subgraph)",
            merging.places(sources),
        )


def _refuse(merging: Merging, sources: Sources[TypeDefinition], name: str) -> None:
    def told(definition: TypeDefinition, index: int) -> str:
        if merging.subgraphs[index].is_interface_object(definition):
            return "Interface Object Type (Object Type with @interfaceObject)"
        return definition.kind.value

    groups = merging.groups(sources, told, merging.supergraph.types[name].kind.value)
    merging.error(
        "TYPE_KIND_MISMATCH",
        f'Type "{name}" has mismatched kind: '
        + distribution(groups, lambda v, n: f"it is defined as {v} in {n}", lambda v, n: f"{v} in {n}"),
        merging.places(sources),
    )
