"""Interfaces across subgraphs: whoever keys one knows all its implementations, whoever stands for one knows none."""

from __future__ import annotations

from router.composition.merge.merging import Merging
from router.composition.merge.wording import types
from router.federation.elements import Kind, TypeDefinition, printed_arguments
from router.federation.subgraph import Subgraph


def check(merging: Merging) -> None:
    """Check all interfaces of the supergraph."""
    for name in [t.name for t in merging.supergraph.types.values() if t.kind is Kind.INTERFACE]:
        implementations = [t.name for t in merging.supergraph.implementations(name)]
        for index, definition in merging.types_named(name).items():
            if definition is None:
                continue
            subgraph = merging.subgraphs[index]
            if subgraph.is_interface_object(definition):
                _check_object(merging, subgraph, definition, implementations)
            elif definition.kind is Kind.INTERFACE:
                _check_keyed(merging, subgraph, definition, implementations)


def _check_keyed(merging: Merging, subgraph: Subgraph, definition: TypeDefinition, implementations: list[str]) -> None:
    """A resolvable key promises that every entity behind the interface can be found here."""
    key = next((k for k in subgraph.keys(definition) if k.arguments.get("resolvable") is not False), None)
    here = {t.name for t in subgraph.schema.implementations(definition.name)}
    missing = [name for name in implementations if name not in here]
    if key is None or not missing:
        return
    names = types(missing)
    node = subgraph.place(key.node)
    merging.error(
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
        f'[{subgraph.name}] Interface type "{definition.name}" has a resolvable key (@{key.name}{printed_arguments(key.arguments)}) '
        f'in subgraph "{subgraph.name}" but that subgraph is missing some of the supergraph implementation types of '
        f'"{definition.name}". Subgraph "{subgraph.name}" should define {names} (and have {"it" if len(missing) == 1 else "them"} '
        f'implement "{definition.name}").',
        [node] if node else [],
    )


def _check_object(merging: Merging, subgraph: Subgraph, definition: TypeDefinition, implementations: list[str]) -> None:
    """Where an object stands for the interface, the objects behind it are unknown."""
    known = [name for name in implementations if name in subgraph.types]
    if not known:
        return
    names = types(known)
    nodes = [subgraph.place(definition.last_part), *(subgraph.place(subgraph.types[name].last_part) for name in known)]
    merging.error(
        "INTERFACE_OBJECT_USAGE_ERROR",
        f'[{subgraph.name}] Interface type "{definition.name}" is defined as an @interfaceObject in subgraph "{subgraph.name}" so that '
        f'subgraph should not define any of the implementation types of "{definition.name}", but it defines {names}',
        [node for node in nodes if node],
    )
