"""Requirements: external fields of the same type that other subgraphs resolve first; they may have arguments."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.validation.field_sets import (
    FieldCheck,
    FieldSetUse,
    InvalidFieldSetError,
    check_field_set,
    refuse_own,
)
from router.federation.codes import CompositionError
from router.federation.elements import FieldDefinition, Kind
from router.federation.fieldsets import SelectedField
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all requirements of a subgraph."""
    for member in subgraph.fields():
        for application in subgraph.applications(member, "requires"):
            parent = subgraph.schema.types[member.parent]
            if parent.kind is Kind.INTERFACE:
                yield subgraph.error(
                    "REQUIRES_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @requires on field "{member.coordinate}" of parent type "{parent.name}": '
                    "@requires is not yet supported within interfaces",
                    application.node,
                    parent.last_part,
                )
            use = FieldSetUse(subgraph, "requires", application, f'On field "{member.coordinate}"', parent)
            yield from check_field_set(use, _check_for(use))


def _check_for(use: FieldSetUse) -> FieldCheck:
    def check_field(member: FieldDefinition, selection: SelectedField, above: bool) -> Iterator[InvalidFieldSetError]:  # noqa: FBT001 - a callback
        yield from refuse_own(use, member, selection, above=above)

    return check_field
