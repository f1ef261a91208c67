"""Arguments of a field or directive: those that all subgraphs know; one that is mandatory somewhere must be known everywhere."""

from __future__ import annotations

from typing import TypeVar

from router.composition.merge.applied import merge_applied
from router.composition.merge.defaults import merge_defaults
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.field_types import merge_types
from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import UNSET, DirectiveDefinition, FieldDefinition, InputValue, is_non_null

E = TypeVar("E", FieldDefinition, DirectiveDefinition)


def is_required(argument: InputValue) -> bool:
    """Whether a caller must give it."""
    return is_non_null(argument.type) and argument.default is UNSET


def add_arguments(merging: Merging, sources: Sources[E], merged: E) -> None:
    """Find the arguments that stay, before anything in them is merged."""
    owners = present(sources)
    for name in dict.fromkeys(name for owner in owners.values() for name in owner.arguments):
        arguments: Sources[InputValue] = {index: owner.arguments.get(name) for index, owner in owners.items()}
        coordinate = next(a.coordinate for a in present(arguments).values())
        if _contextual(merging, arguments, coordinate):
            continue
        if None in arguments.values():
            _drop(merging, arguments, coordinate)
        else:
            merged.arguments[name] = InputValue(
                name, next(iter(present(arguments).values())).type, coordinate=coordinate
            )


def merge_arguments(merging: Merging, sources: Sources[E], merged: E) -> None:
    """Merge everything inside of the arguments that stay."""
    for name, argument in merged.arguments.items():
        arguments: Sources[InputValue] = {index: owner.arguments.get(name) for index, owner in present(sources).items()}
        merge_descriptions(merging, arguments, argument)
        merge_applied(merging, arguments, argument)
        merge_types(merging, arguments, argument, is_input=True, is_argument=True)
        merge_defaults(merging, arguments, argument, is_argument=True)


def _drop(merging: Merging, arguments: Sources[InputValue], coordinate: str) -> None:
    found = present(arguments)
    missing = [index for index, argument in arguments.items() if argument is None]
    required = [index for index, argument in found.items() if is_required(argument)]
    if required:
        merging.error(
            "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
            f'Argument "{coordinate}" is required in some subgraphs but does not appear in all subgraphs: it is required in '
            f"{subgraphs(merging.names(required))} but does not appear in {subgraphs(merging.names(missing))}",
            merging.places(arguments),
        )
        return
    lacking = [index for index in range(len(merging.subgraphs)) if index not in found]
    merging.hint(
        "INCONSISTENT_ARGUMENT_PRESENCE",
        f'Optional argument "{coordinate}" will not be included in the supergraph as it does not appear in all subgraphs: it is '
        f"defined in {subgraphs(merging.names(list(found)))} but not in {subgraphs(merging.names(lacking))}.",
        coordinate,
        merging.places(arguments),
    )


def _contextual(merging: Merging, arguments: Sources[InputValue], coordinate: str) -> bool:
    """An argument that some subgraph fills from a context is no argument of the supergraph."""
    found = present(arguments)
    contextual = {i for i, argument in found.items() if merging.subgraphs[i].has(argument, "fromContext")}
    if not contextual:
        return False
    for index, argument in found.items():
        if index in contextual:
            continue
        code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS"
        if is_required(argument):
            merging.error(
                code,
                f'Argument "{coordinate}" is contextual in at least one subgraph but in "{coordinate}" it does not have @fromContext, '
                "is not nullable and has no default value.",
                merging.places({index: argument}),
            )
        else:
            merging.hint(
                code,
                f'Contextual argument "{coordinate}" will not be included in the supergraph since it is contextual in at least one subgraph',
                None,
                merging.places({index: argument}),
            )
    return True
