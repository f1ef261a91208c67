"""Enums: what clients only receive may differ and is united, what they only send is intersected, what goes both ways must agree."""

from __future__ import annotations

from router.composition.merge.applied import merge_applied
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.merging import EnumUsage, Merging, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, EnumValue, TypeDefinition


def merge_enum(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Merge one enum; all fields and arguments must have been merged before, as they decide how."""
    usage = merging.enum_usage.get(merged.name)
    if usage is None:
        usage = EnumUsage(output=("", None))
        merging.hint(
            "UNUSED_ENUM_TYPE",
            f'Enum type "{merged.name}" is defined but unused. It will be included in the supergraph with all the values appearing '
            'in any subgraph ("as if" it was only used as an output type).',
            merged.name,
        )
    owners = present(sources)
    for name in dict.fromkeys(name for owner in owners.values() for name in owner.values):
        _merge_value(merging, sources, merged, name, usage)
    if not merged.values:
        merging.error(
            "EMPTY_MERGED_ENUM_TYPE",
            f'None of the values of enum type "{merged.name}" are defined consistently in all the subgraphs defining that type. As '
            "only values common to all subgraphs are merged, this would result in an empty type.",
            merging.places(sources),
        )


def _merge_value(
    merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition, name: str, usage: EnumUsage
) -> None:
    values: Sources[EnumValue] = {index: owner.values.get(name) for index, owner in present(sources).items()}
    entry = EnumValue(name, merged.name)
    merge_descriptions(merging, values, entry)
    merge_applied(merging, values, entry)
    for index in present(values):
        entry.applied.append(Applied("join__enumValue", {"graph": merging.graph(index)}))
    if None not in values.values():
        merged.values[name] = entry
    elif usage.input is None:
        merged.values[name] = entry
        _hint_added(merging, sources, values, entry)
    elif usage.output is None:
        if _is_inaccessible(merging, values):
            merged.values[name] = entry
        else:
            _hint_dropped(merging, sources, values, entry)
    else:
        merged.values[name] = entry
        if not _is_inaccessible(merging, values):
            _refuse(merging, sources, values, entry, usage)


def _is_inaccessible(merging: Merging, values: Sources[EnumValue]) -> bool:
    return any(merging.subgraphs[index].has(value, "inaccessible") for index, value in present(values).items())


def _presence(merging: Merging, values: Sources[EnumValue], name: str) -> str:
    having = merging.names(list(present(values)))
    lacking = merging.names([index for index, value in values.items() if value is None])
    return f'"{name}" is defined in {subgraphs(having)} but not in {subgraphs(lacking)}'


def _hint_added(
    merging: Merging, sources: Sources[TypeDefinition], values: Sources[EnumValue], entry: EnumValue
) -> None:
    merging.hint(
        "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
        f'Value "{entry.name}" of enum type "{entry.parent}" has been added to the supergraph but is only defined in a subset of the '
        f'subgraphs defining "{entry.parent}": {_presence(merging, values, entry.name)}.',
        entry.coordinate,
        merging.places(sources),
    )


def _hint_dropped(
    merging: Merging, sources: Sources[TypeDefinition], values: Sources[EnumValue], entry: EnumValue
) -> None:
    merging.hint(
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
        f'Value "{entry.name}" of enum type "{entry.parent}" will not be part of the supergraph as it is not defined in all the '
        f'subgraphs defining "{entry.parent}": {_presence(merging, values, entry.name)}.',
        entry.coordinate,
        merging.places(sources),
    )


def _refuse(
    merging: Merging, sources: Sources[TypeDefinition], values: Sources[EnumValue], entry: EnumValue, usage: EnumUsage
) -> None:
    (taken, taken_at), (given, given_at) = usage.input or ("", None), usage.output or ("", None)
    merging.error(
        "ENUM_VALUE_MISMATCH",
        f'Enum type "{entry.parent}" is used as both input type (for example, as type of "{taken}") and output type (for example, as '
        f'type of "{given}"), but value "{entry.name}" is not defined in all the subgraphs defining "{entry.parent}": '
        f"{_presence(merging, values, entry.name)}",
        (*merging.places(sources), *(at for at in (taken_at, given_at) if at is not None)),
    )
