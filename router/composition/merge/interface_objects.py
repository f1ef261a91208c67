"""Fields that an @interfaceObject adds to an interface belong to all of its implementations, though no subgraph says so there."""

from __future__ import annotations

from copy import deepcopy

from router.composition.merge.applied import inherit
from router.composition.merge.merging import ACCESS, Merging, present
from router.composition.merge.wording import enumerated
from router.federation.elements import Applied, FieldDefinition, Kind, TypeDefinition


def add_to_implementations(merging: Merging) -> None:
    """Copy the fields of interface objects to the implementations that lack them, with a @join__field without a graph."""
    for interface in list(merging.supergraph.types.values()):
        if interface.kind is not Kind.INTERFACE:
            continue
        sources = merging.types_named(interface.name)
        objects = {i: d for i, d in present(sources).items() if merging.subgraphs[i].is_interface_object(d)}
        if not objects:
            continue
        for member in interface.fields.values():
            if any(member.name in definition.fields for definition in objects.values()):
                for implementation in merging.supergraph.implementations(interface.name):
                    _add(merging, member, implementation)


def _add(merging: Merging, member: FieldDefinition, implementation: TypeDefinition) -> None:
    if member.name in implementation.fields:
        return
    access = {composed.name for composed in merging.composed.values() if composed.element in ACCESS}
    applied = [a for a in member.applied if not a.name.startswith("join__") and a.name not in access]
    added = implementation.fields[member.name] = FieldDefinition(
        name=member.name,
        type=member.type,
        parent=implementation.name,
        arguments=deepcopy(member.arguments),
        description=member.description,
    )
    inherit(merging, added)
    added.applied += [*applied, Applied("join__field")]


def is_abstracted(merging: Merging, member: FieldDefinition) -> bool:
    """Whether an object type has a field from an interface object that resolves it for all of the interface's types."""
    for interface in merging.supergraph.types.values():
        if interface.kind is not Kind.INTERFACE:
            continue
        if all(
            implementation.name != member.parent
            for implementation in merging.supergraph.implementations(interface.name)
        ):
            continue
        for index, definition in present(merging.types_named(interface.name)).items():
            subgraph = merging.subgraphs[index]
            own = definition.fields.get(member.name) if subgraph.is_interface_object(definition) else None
            if own is not None and not subgraph.is_external(own):
                return True
    return False


def check_sharing_through_interfaces(merging: Merging) -> None:
    """A field of an implementation and one that an interface object adds to it are the same field: it must be shareable."""
    for interface in merging.supergraph.types.values():
        if interface.kind is not Kind.INTERFACE or interface.name in merging.torn:
            continue
        sources = merging.types_named(interface.name)
        objects = {i: d for i, d in present(sources).items() if merging.subgraphs[i].is_interface_object(d)}
        for implementation in merging.supergraph.implementations(interface.name) if objects else []:
            for name in dict.fromkeys(name for definition in objects.values() for name in definition.fields):
                _check(merging, implementation, name, objects)


def _check(merging: Merging, implementation: TypeDefinition, name: str, objects: dict[int, TypeDefinition]) -> None:
    concrete = {
        i: d.fields[name]
        for i, d in present(merging.types_named(implementation.name)).items()
        if name in d.fields and not merging.subgraphs[i].is_fully_external(d.fields[name])
    }
    abstract = {
        i: d.fields[name]
        for i, d in objects.items()
        if name in d.fields and not merging.subgraphs[i].is_fully_external(d.fields[name])
    }
    everything = {**concrete, **abstract}
    refusing = [i for i, f in everything.items() if not merging.subgraphs[i].is_shareable(f)]
    if len(everything) < 2 or not abstract or not refusing:
        return

    def told(index: int) -> str:
        name_of = merging.subgraphs[index].name
        through = f' (through @interfaceObject field "{abstract[index].coordinate}")' if index in abstract else ""
        return f'"{name_of}"{through}'

    resolved = enumerated([told(i) for i in sorted(everything)], "subgraph", most=500)
    refused = enumerated([told(i) for i in sorted(refusing)], "subgraph", most=500)
    where = "all of them" if len(refusing) == len(everything) else refused
    merging.error(
        "INVALID_FIELD_SHARING",
        f'Non-shareable field "{implementation.name}.{name}" is resolved from multiple subgraphs: it is resolved from {resolved} '
        f"and defined as non-shareable in {where}",
        merging.places(everything),
    )
