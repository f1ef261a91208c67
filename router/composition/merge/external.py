"""An @external field promises to look like the real one: same type, same arguments, same defaults."""

from __future__ import annotations

from router.composition.merge.field_types import is_strict_subtype
from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import distribution, subgraphs
from router.federation.elements import (
    UNSET,
    FieldDefinition,
    InputValue,
    TypeRef,
    is_list,
    is_non_null,
    item,
    nullable,
    printed,
)


def check_external(merging: Merging, sources: Sources[FieldDefinition], merged: FieldDefinition, *, same: bool) -> None:
    """Compare every external declaration of a field with the merged one; `same` if all who resolve it agree on its type."""
    external = {i: m for i, m in present(sources).items() if merging.subgraphs[i].is_external(m)}
    if any(not _fits(merging, member.type, merged.type, same=same) for member in external.values()):
        _refuse_type(merging, sources, merged)
    for name, argument in merged.arguments.items():
        _check_argument(merging, sources, external, name, argument)


def _fits(merging: Merging, declared: TypeRef, real: TypeRef, *, same: bool) -> bool:
    """Where subgraphs resolve a field with different types, the declaration may follow any of them."""
    return declared == real or (not same and is_strict_subtype(merging, declared, real))


def _refuse_type(merging: Merging, sources: Sources[FieldDefinition], merged: FieldDefinition) -> None:
    groups = merging.groups(sources, lambda member, _: f'type "{member.type}"', f'type "{merged.type}"')
    told = distribution(groups, lambda v, n: f"it has {v} in {n}", lambda v, n: f"{v} in {n}")
    merging.error(
        "EXTERNAL_TYPE_MISMATCH",
        f'Type of field "{merged.coordinate}" is incompatible across subgraphs (where marked @external): {told}',
        merging.places(sources),
    )


def _check_argument(
    merging: Merging,
    sources: Sources[FieldDefinition],
    external: dict[int, FieldDefinition],
    name: str,
    argument: InputValue,
) -> None:
    arguments = {index: member.arguments.get(name) for index, member in present(sources).items()}
    declared = {index: member.arguments.get(name) for index, member in external.items()}
    missing = [index for index, entry in declared.items() if entry is None]
    if missing:
        having = [index for index, entry in arguments.items() if entry is not None]
        missing = [index for index in range(len(merging.subgraphs)) if index not in having]
        merging.error(
            "EXTERNAL_ARGUMENT_MISSING",
            f'Field "{_field(argument)}" is missing argument "{argument.coordinate}" in some subgraphs where it is '
            f'marked @external: argument "{argument.coordinate}" is declared in {subgraphs(merging.names(having))} but not in '
            f'{subgraphs(merging.names(missing))} (where "{_field(argument)}" is @external).',
            merging.places(arguments),
        )
        return
    known = [entry for entry in declared.values() if entry is not None]
    if any(not _accepts(entry.type, argument.type) for entry in known):
        _refuse_argument(merging, arguments, argument)
    if any(_default(entry) != _default(argument) for entry in known):
        _refuse_default(merging, arguments, argument)


def _accepts(declared: TypeRef, real: TypeRef) -> bool:
    """Whether a declared argument is the real one, apart from allowing null."""
    if is_non_null(declared):
        return is_non_null(real) and _accepts(nullable(declared), nullable(real))
    real = nullable(real)
    if is_list(declared) and is_list(real):
        return _accepts(item(declared), item(real))
    return declared == real


def _refuse_argument(merging: Merging, arguments: Sources[InputValue], argument: InputValue) -> None:
    groups = merging.groups(arguments, lambda entry, _: f'type "{entry.type}"', f'type "{argument.type}"')
    told = distribution(groups, lambda v, n: f"it has {v} in {n}", lambda v, n: f"{v} in {n}")
    merging.error(
        "EXTERNAL_ARGUMENT_TYPE_MISMATCH",
        f'Type of argument "{argument.coordinate}" is incompatible across subgraphs (where "{_field(argument)}" is marked @external): '
        f"{told}",
        merging.places(arguments),
    )


def _refuse_default(merging: Merging, arguments: Sources[InputValue], argument: InputValue) -> None:
    groups = merging.groups(arguments, lambda entry, _: _default(entry), _default(argument))
    told = distribution(groups, lambda v, n: f"it has {v} in {n}", lambda v, n: f"{v} in {n}")
    merging.error(
        "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH",
        f'Argument "{argument.coordinate}" has incompatible defaults across subgraphs (where "{_field(argument)}" is '
        f"marked @external): {told}",
        merging.places(arguments),
    )


def _field(argument: InputValue) -> str:
    return argument.coordinate.partition("(")[0]


def _default(argument: InputValue) -> str:
    return "no default value" if argument.default is UNSET else f"default value {printed(argument.default)}"
