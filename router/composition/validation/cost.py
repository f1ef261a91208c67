"""@cost and @listSize: on concrete fields; sizes that exist, of lists that exist."""

from __future__ import annotations

from collections.abc import Iterator

from router.federation.codes import CompositionError
from router.federation.elements import Applied, FieldDefinition, Kind, Value, is_list, named, nullable
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all costs and list sizes of a subgraph."""
    for definition in subgraph.types.values():
        for member in definition.fields.values():
            if definition.kind is Kind.INTERFACE:
                for application in subgraph.applications(member, "cost"):
                    yield subgraph.error(
                        "COST_APPLIED_TO_INTERFACE_FIELD",
                        f'@cost cannot be applied to interface "{member.coordinate}"',
                        application.node,
                        member.node,
                    )
            for application in subgraph.applications(member, "listSize"):
                for code, message in _list_size(subgraph, member, application):
                    yield subgraph.error(code, message, application.node, member.node)


def _list_size(subgraph: Subgraph, member: FieldDefinition, application: Applied) -> Iterator[tuple[str, str]]:
    sized, assumed = application.arguments.get("sizedFields"), application.arguments.get("assumedSize")
    if not sized and not is_list(member.type):
        yield "LIST_SIZE_APPLIED_TO_NON_LIST", f'"{member.coordinate}" is not a list'
    if isinstance(assumed, int) and assumed < 0:
        yield "LIST_SIZE_INVALID_ASSUMED_SIZE", f'Assumed size of "{member.coordinate}" cannot be negative'
    yield from _slicing(member, application.arguments.get("slicingArguments"))
    yield from _sized(subgraph, member, sized)


def _slicing(member: FieldDefinition, names: Value) -> Iterator[tuple[str, str]]:
    for name in names if isinstance(names, tuple) else ():
        argument = member.arguments.get(str(name))
        if argument is None:
            message = f'Slicing argument "{name}" is not an argument of "{member.coordinate}"'
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", message
        elif nullable(argument.type) != "Int":
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'Slicing argument "{argument.coordinate}" must be Int or Int!'


def _sized(subgraph: Subgraph, member: FieldDefinition, names: Value) -> Iterator[tuple[str, str]]:
    if not isinstance(names, tuple) or not names:
        return
    parent = subgraph.schema.types.get(named(member.type))
    if parent is None or not parent.is_composite:
        yield (
            "LIST_SIZE_INVALID_SIZED_FIELD",
            f'Sized fields cannot be used because "{member.type}" is not a composite type',
        )
        return
    for name in names:
        field = parent.fields.get(str(name))
        if field is None:
            yield "LIST_SIZE_INVALID_SIZED_FIELD", f'Sized field "{name}" is not a field on type "{parent.name}"'
        elif not is_list(field.type):
            yield "LIST_SIZE_APPLIED_TO_NON_LIST", f'Sized field "{field.coordinate}" is not a list'
