"""Provisions: external fields of the returned type that this subgraph resolves along this path."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.validation.field_sets import (
    FieldCheck,
    FieldSetUse,
    InvalidFieldSetError,
    check_field_set,
    refuse_arguments,
    refuse_own,
)
from router.federation.codes import CompositionError
from router.federation.elements import FieldDefinition, Kind, named
from router.federation.fieldsets import SelectedField
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all provisions of a subgraph."""
    for member in subgraph.fields():
        for application in subgraph.applications(member, "provides"):
            parent = subgraph.schema.types[member.parent]
            if parent.kind is Kind.INTERFACE:
                yield subgraph.error(
                    "PROVIDES_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @provides on field "{member.coordinate}" of parent type "{parent.name}": '
                    "@provides is not yet supported within interfaces",
                    application.node,
                    parent.last_part,
                )
            target = subgraph.schema.types[named(member.type)]
            use = FieldSetUse(subgraph, "provides", application, f'On field "{member.coordinate}"', target)
            yield from check_field_set(use, _check_for(use))


def misplaced(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Tell provisions on fields that have nothing inside, or that are not resolved here at all."""
    for member in subgraph.fields():
        if not subgraph.has(member, "provides"):
            continue
        if subgraph.has(member, "external"):
            yield subgraph.error(
                "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
                f'Cannot have both @provides and @external on field "{member.coordinate}"',
                member.node,
            )
            continue
        target = subgraph.schema.types.get(named(member.type))
        if target is None or not target.is_composite:
            yield subgraph.error(
                "PROVIDES_ON_NON_OBJECT_FIELD",
                f'Invalid @provides directive on field "{member.coordinate}": field has type "{member.type}" which is not a '
                "Composite Type",
                member.node,
            )
            continue


def _check_for(use: FieldSetUse) -> FieldCheck:
    def check_field(member: FieldDefinition, selection: SelectedField, above: bool) -> Iterator[InvalidFieldSetError]:  # noqa: FBT001 - a callback
        yield from refuse_arguments(use, member)
        yield from refuse_own(use, member, selection, above=above)

    return check_field
