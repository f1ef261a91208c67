"""Rules about a merged supergraph that no single element could see while it was merged."""

from __future__ import annotations

from router.composition.merge.features import FEATURE_OF
from router.composition.merge.merging import Merging
from router.composition.merge.wording import subgraphs
from router.federation.elements import FieldDefinition, Kind, TypeDefinition, printed_arguments
from router.federation.subgraph import Subgraph


def check_before(merging: Merging) -> None:
    """What can be told before merging: extensions need something to extend, merged directives a place."""
    _extensions(merging)
    for subgraph in merging.subgraphs:
        _merged_on_external(merging, subgraph)


def _merged_on_external(merging: Merging, subgraph: Subgraph) -> None:
    """What is merged is taken from whoever resolves a field."""
    elements = FEATURE_OF.keys() - {"cacheTag"}  # it is carried, not merged
    merged = {subgraph.name_of(element) for element in elements if subgraph.knows(element)} | {"deprecated"}
    for member in subgraph.fields():
        if not subgraph.is_external(member) or not _is_resolved(merging, member):
            continue
        for application in member.applied:
            if application.name in merged:
                told = f"@{application.name}{printed_arguments(application.arguments)}"
                at = subgraph.place(application.node)
                merging.error(
                    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
                    f'[{subgraph.name}] Cannot apply merged directive {told} to external field "{member.coordinate}"',
                    [at] if at else [],
                )


def _is_resolved(merging: Merging, member: FieldDefinition) -> bool:
    """Whether there is anybody from whom anything could be merged."""
    found = ((s, s.field_at(member.coordinate)) for s in merging.subgraphs)
    return any(other is not None and not subgraph.is_external(other) for subgraph, other in found)


def _extensions(merging: Merging) -> None:
    """Every extended type is defined by somebody, or at least not called an extension by everybody."""
    for name in dict.fromkeys(name for subgraph in merging.subgraphs for name in subgraph.types):
        sources = merging.types_named(name)
        found = {i: d for i, d in sources.items() if d is not None}
        # @extends is no more than a habit here.
        extending = {i: d for i, d in found.items() if d.is_extension_only}
        if len(extending) < len(found) or name in {"Query", "Mutation", "Subscription"}:
            continue
        for index, definition in extending.items():
            subgraph = merging.subgraphs[index]
            at = subgraph.place(definition.extensions[0])
            merging.error(
                "EXTENSION_WITH_NO_BASE",
                f'[{subgraph.name}] Type "{name}" is an extension type, but there is no type definition for "{name}" in any subgraph.',
                [at] if at else [],
            )


def check_after(merging: Merging) -> None:
    """What can be told when everything is merged."""
    for definition in merging.supergraph.types.values():
        if definition.kind in {Kind.OBJECT, Kind.INTERFACE}:
            for name in definition.interfaces:
                interface = merging.supergraph.types.get(name)
                for member in interface.fields.values() if interface else ():
                    if member.name not in definition.fields:
                        _refuse_implementation(merging, definition, member)


def _refuse_implementation(merging: Merging, definition: TypeDefinition, member: FieldDefinition) -> None:
    interface = merging.types_named(member.parent)
    declaring = {i: d.fields[member.name] for i, d in interface.items() if d is not None and member.name in d.fields}
    implementing = {
        i: d for i, d in merging.types_named(definition.name).items() if d is not None and member.parent in d.interfaces
    }
    merging.error(
        "INTERFACE_FIELD_NO_IMPLEM",
        f'Interface field "{member.coordinate}" is declared in {subgraphs(merging.names(list(declaring)))} but type "{definition.name}", '
        f'which implements "{member.parent}" only in {subgraphs(merging.names(list(implementing)))} does not have field "{member.name}".',
        (*merging.places(declaring), *merging.places(implementing)),
    )
