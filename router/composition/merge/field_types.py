"""Types of one field in several subgraphs: outputs widen to what all fit into, inputs narrow to what all accept.

A type is a subtype of another if every value of it is one: `Int!` of `Int`, `[Int!]` of `[Int]`, an implementation of its
interface, a member of its union. A list is never related to its items.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from router.composition.merge.merging import EnumUsage, Merging, Sources, present
from router.composition.merge.wording import distribution, listed, subgraphs
from router.federation.elements import (
    FieldDefinition,
    InputValue,
    Kind,
    TypeRef,
    is_list,
    is_non_null,
    item,
    named,
    nullable,
)


class Typed(Protocol):
    """A field, an argument or an input field."""

    type: TypeRef

    @property
    def coordinate(self) -> str:
        """The coordinate for messages."""


E = TypeVar("E", FieldDefinition, InputValue)


def is_strict_subtype(merging: Merging, sub: TypeRef, of: TypeRef) -> bool:
    """Whether `sub` is a subtype of a different type `of`."""
    if is_non_null(sub):
        inner = nullable(sub)
        return (inner == nullable(of) and not is_non_null(of)) or is_strict_subtype(merging, inner, nullable(of))
    if is_non_null(of):
        return False
    if is_list(sub) and is_list(of):
        return is_strict_subtype(merging, item(sub), item(of))
    return not is_list(sub) and not is_list(of) and merging.supergraph.is_subtype(sub, of)


def merge_types(merging: Merging, sources: Sources[E], merged: E, *, is_input: bool, is_argument: bool = False) -> bool:
    """Choose the merged type; return whether all subgraphs agree exactly."""
    found = present(sources)
    chosen, related, incompatible = next(iter(found.items())), False, False
    for entry in found.items():
        if entry[1].type == chosen[1].type:
            continue
        narrower = _is_narrower(merging, entry, chosen)
        if not narrower and not _is_narrower(merging, chosen, entry):
            incompatible = True
            continue
        related = True
        if narrower == is_input:
            chosen = entry
    merged.type = chosen[1].type
    _note_enum(merging, found, merged, is_input=is_input)
    if incompatible:
        _refuse(merging, sources, merged, is_argument=is_argument)
    elif related:
        _hint(merging, sources, merged, is_input=is_input, is_argument=is_argument)
    return not incompatible and not related


def _is_narrower(merging: Merging, narrow: tuple[int, E], wide: tuple[int, E]) -> bool:
    """Whether one subgraph's type is a subtype of another's. An interface object is no interface where it stands for one."""
    subgraph = merging.subgraphs[wide[0]]
    base = named(wide[1].type)
    if base != named(narrow[1].type) and subgraph.is_interface_object(subgraph.types.get(base)):
        return False
    return is_strict_subtype(merging, narrow[1].type, wide[1].type)


def _note_enum(merging: Merging, found: dict[int, E], merged: E, *, is_input: bool) -> None:
    """Remember where an enum is used: that decides later how its values are merged."""
    base = merging.supergraph.types.get(named(merged.type))
    if base is None or base.kind is not Kind.ENUM:
        return
    usage = merging.enum_usage.setdefault(base.name, EnumUsage())
    index, source = next(iter(found.items()))
    example = (merged.coordinate, merging.subgraphs[index].place(source.node))
    if is_input:
        usage.input = usage.input or example
    else:
        usage.output = usage.output or example


def _element(merged: Typed, *, is_argument: bool) -> str:
    return f'{"argument" if is_argument else "field"} "{merged.coordinate}"'


def _refuse(merging: Merging, sources: Sources[E], merged: E, *, is_argument: bool) -> None:
    groups = merging.groups(sources, lambda source, _: f'type "{source.type}"', f'type "{merged.type}"')
    told = distribution(groups, lambda v, n: f"it has {v} in {n}", lambda v, n: f"{v} in {n}")
    merging.error(
        "FIELD_ARGUMENT_TYPE_MISMATCH" if is_argument else "FIELD_TYPE_MISMATCH",
        f"Type of {_element(merged, is_argument=is_argument)} is incompatible across subgraphs: {told}",
        merging.places(sources),
    )


def _hint(merging: Merging, sources: Sources[E], merged: E, *, is_input: bool, is_argument: bool) -> None:
    groups = merging.groups(sources, lambda source, _: source.type, merged.type)
    relation = "supertype" if is_input else "subtype"
    (_, first), *rest = groups
    others = listed([f'{relation} "{variant}" in {subgraphs(names)}' for variant, names in rest])
    merging.hint(
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE" if is_argument else "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
        f"Type of {_element(merged, is_argument=is_argument)} is inconsistent but compatible across subgraphs: will use type "
        f'"{merged.type}" (from {subgraphs(first)}) in supergraph but "{merged.coordinate}" has {others}.',
        merged.coordinate,
        merging.places(sources),
    )
