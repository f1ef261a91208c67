"""Object types and interfaces: every field that some subgraph has; who implements what; who has which key."""

from __future__ import annotations

from router.composition.merge.fields import check_sharing, merge_field
from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.overrides import read_overrides
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, FieldDefinition, Kind, TypeDefinition, Value
from router.federation.subgraph import MACHINERY_FIELDS, Subgraph

_ROOTS = frozenset(("Query", "Mutation", "Subscription"))


def join_types(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Record the subgraphs that define a type, once per key."""
    for index, definition in present(sources).items():
        subgraph = merging.subgraphs[index]
        common: dict[str, Value] = {}
        if subgraph.is_interface_object(definition):
            common["isInterfaceObject"] = True
        keys = subgraph.keys(definition) if definition.kind in {Kind.OBJECT, Kind.INTERFACE} else []
        if not keys:
            merged.applied.append(Applied("join__type", {"graph": merging.graph(index), **common}))
        for key in keys:
            arguments: dict[str, Value] = {"graph": merging.graph(index), "key": key.arguments.get("fields")}
            if subgraph.is_extending(definition, key):
                arguments["extension"] = True
            if key.arguments.get("resolvable") is False:
                arguments["resolvable"] = False
            merged.applied.append(Applied("join__type", arguments | common))


def merge_implements(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Record which subgraphs say that a type implements which interface."""
    for index, definition in present(sources).items():
        for interface in definition.interfaces:
            merged.interfaces.setdefault(interface, None)
            merged.applied.append(Applied("join__implements", {"graph": merging.graph(index), "interface": interface}))


def merge_object(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Merge one object type."""
    is_entity = _is_entity(merging, sources, merged)
    add_fields(sources, merged)
    for name, member in merged.fields.items():
        fields = fields_named(sources, name)
        if not is_entity and merged.name not in _ROOTS:
            _hint_value_type(merging, sources, fields, member)
        overrides = read_overrides(merging, fields)
        if merged.name == "Subscription":
            _check_subscription(merging, fields)
        merge_field(merging, fields, member, overrides)
        check_sharing(merging, fields, member, overrides)


def merge_interface(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Merge one interface; object types that stand for it count as well."""
    has_key = any(merging.subgraphs[i].keys(d) for i, d in present(sources).items())
    add_fields(sources, merged)
    for name, member in merged.fields.items():
        fields = fields_named(sources, name)
        if not has_key:
            _hint_interface(merging, sources, fields, member)
        overrides = read_overrides(merging, fields)
        merge_field(merging, fields, member, overrides)


def add_fields(sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Create the fields of a merged type, before anything in them is merged."""
    for definition in present(sources).values():
        for name, member in definition.fields.items():
            if not (merged.name == "Query" and name in MACHINERY_FIELDS):
                merged.fields.setdefault(name, FieldDefinition(name, member.type, merged.name))


def fields_named(sources: Sources[TypeDefinition], name: str) -> Sources[FieldDefinition]:
    """One field in all subgraphs that have its type."""
    return {index: definition.fields.get(name) for index, definition in present(sources).items()}


def _is_entity(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> bool:
    found = present(sources)
    having = [index for index, definition in found.items() if merging.subgraphs[index].keys(definition)]
    lacking = [index for index in found if index not in having]
    if having and lacking:
        merging.hint(
            "INCONSISTENT_ENTITY",
            f'Type "{merged.name}" is declared as an entity (has a @key applied) in some but not all defining subgraphs: it has no @key '
            f"in {subgraphs(merging.names(lacking))} but has some @key in {subgraphs(merging.names(having))}.",
            merged.name,
            merging.places(sources),
        )
    return bool(having)


def _presence(
    merging: Merging, sources: Sources[TypeDefinition], fields: Sources[FieldDefinition], coordinate: str
) -> str | None:
    """Who has a field and who has not; nothing when all have it that resolve any field of the type."""
    lacking = [index for index, member in fields.items() if member is None]
    if not any(_resolves_any(merging.subgraphs[index], sources[index]) for index in lacking):
        return None
    having = subgraphs(merging.names(list(present(fields))))
    return f'"{coordinate}" is defined in {having} but not in {subgraphs(merging.names(lacking))}'


def _resolves_any(subgraph: Subgraph, definition: TypeDefinition | None) -> bool:
    return definition is not None and any(not subgraph.is_external(member) for member in definition.fields.values())


def _hint_value_type(
    merging: Merging, sources: Sources[TypeDefinition], fields: Sources[FieldDefinition], member: FieldDefinition
) -> None:
    presence = _presence(merging, sources, fields, member.coordinate)
    if presence:
        merging.hint(
            "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD",
            f'Field "{member.coordinate}" of non-entity object type "{member.parent}" is defined in some but not all subgraphs that '
            f'define "{member.parent}": {presence}.',
            member.parent,
            merging.places(sources),
        )


def _hint_interface(
    merging: Merging, sources: Sources[TypeDefinition], fields: Sources[FieldDefinition], member: FieldDefinition
) -> None:
    presence = _presence(merging, sources, fields, member.coordinate)
    if presence:
        merging.hint(
            "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD",
            f'Field "{member.coordinate}" of interface type "{member.parent}" is defined in some but not all subgraphs that define '
            f'"{member.parent}": {presence}.',
            member.parent,
            merging.places(sources),
        )


def _check_subscription(merging: Merging, fields: Sources[FieldDefinition]) -> None:
    shared = {i: f for i, f in present(fields).items() if merging.subgraphs[i].is_shareable(f)}
    if shared:
        merging.error(
            "INVALID_FIELD_SHARING",
            "Fields on root level subscription object cannot be marked as shareable",
            merging.places(shared),
        )
