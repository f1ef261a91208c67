"""Keys: on objects, and on interfaces since federation 2.3; made of fields without arguments that identify an entity."""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.validation.field_sets import (
    FieldCheck,
    FieldSetUse,
    InvalidFieldSetError,
    check_field_set,
    refuse_arguments,
)
from router.federation.codes import CompositionError
from router.federation.elements import FieldDefinition, Kind
from router.federation.fieldsets import SelectedField
from router.federation.spec import Version
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all keys of a subgraph."""
    for definition in subgraph.types.values():
        for application in subgraph.keys(definition):
            if definition.kind is Kind.INTERFACE and subgraph.version < Version(2, 3):
                name = subgraph.name_of("key")
                yield subgraph.error(
                    "KEY_UNSUPPORTED_ON_INTERFACE",
                    f'Cannot use @{name} on interface "{definition.name}": @{name} is not yet supported on interfaces',
                    application.node,
                    definition.last_part,
                )
                continue
            use = FieldSetUse(subgraph, "key", application, f'On type "{definition.name}"', definition)
            yield from check_field_set(use, _check_for(use))


def _check_for(use: FieldSetUse) -> FieldCheck:
    def check_field(member: FieldDefinition, _selection: SelectedField, _above: bool) -> Iterator[InvalidFieldSetError]:  # noqa: FBT001 - a callback
        yield from refuse_arguments(use, member)

    return check_field
