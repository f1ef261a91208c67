"""Input types: the fields that all subgraphs know; one that is mandatory somewhere must be known everywhere."""

from __future__ import annotations

from router.composition.merge.applied import merge_applied
from router.composition.merge.arguments import is_required
from router.composition.merge.defaults import merge_defaults
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.field_types import merge_types
from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, InputValue, TypeDefinition


def merge_input(merging: Merging, sources: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """Merge one input type."""
    for name in dict.fromkeys(name for owner in present(sources).values() for name in owner.inputs):
        fields: Sources[InputValue] = {i: owner.inputs.get(name) if owner else None for i, owner in sources.items()}
        first = next(iter(present(fields).values()))
        entry = InputValue(name, first.type, coordinate=f"{merged.name}.{name}")
        if _missing(merging, fields, entry, merged):
            continue
        _merge_field(merging, fields, entry)
        merged.inputs[name] = entry
    if not merged.inputs:
        merging.error(
            "EMPTY_MERGED_INPUT_TYPE",
            f'None of the fields of input object type "{merged.name}" are consistently defined in all the subgraphs defining that '
            "type. As only fields common to all subgraphs are merged, this would result in an empty type.",
            merging.places(sources),
        )


def _missing(merging: Merging, fields: Sources[InputValue], entry: InputValue, merged: TypeDefinition) -> bool:
    """Whether some subgraph does not know a field; it is dropped then."""
    if None not in fields.values():
        return False
    found = present(fields)
    missing = [index for index in range(len(merging.subgraphs)) if index not in found]
    lacking = [index for index, field in fields.items() if field is None]
    required = [index for index, field in found.items() if is_required(field)]
    if required:
        merging.error(
            "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
            f'Input object field "{entry.coordinate}" is required in some subgraphs but does not appear in all subgraphs: it is '
            f"required in {subgraphs(merging.names(required))} but does not appear in {subgraphs(merging.names(lacking))}",
            merging.places(fields),
        )
    else:
        merging.hint(
            "INCONSISTENT_INPUT_OBJECT_FIELD",
            f'Input object field "{entry.name}" will not be added to "{merged.name}" in the supergraph as it does not appear in all '
            f"subgraphs: it is defined in {subgraphs(merging.names(list(found)))} but not in {subgraphs(merging.names(missing))}.",
            entry.coordinate,
            merging.places(fields),
        )
    return True


def _merge_field(merging: Merging, fields: Sources[InputValue], entry: InputValue) -> None:
    merge_descriptions(merging, fields, entry)
    merge_applied(merging, fields, entry)
    same = merge_types(merging, fields, entry, is_input=True)
    if not same:
        for index, field in present(fields).items():
            entry.applied.append(Applied("join__field", {"graph": merging.graph(index), "type": field.type}))
    merge_defaults(merging, fields, entry, is_argument=False)
