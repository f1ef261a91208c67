"""Rows out, input in: between what is stored and what GraphQL shows, without writing every field twice.

A GraphQL type takes from a row the columns of the same names; an input object gives the arguments of the same names.
Identifiers are text outside and UUIDs inside; text that is no UUID cannot be anyone's id, so it is `NotFound`.
"""

from __future__ import annotations

import dataclasses
import functools
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types.base import StrawberryContainer, get_object_definition

from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import parsed
from subgraphs.kit.tables import Row

T = TypeVar("T")

META_FIELDS = ("client_mutation_id", "dry_run")
"""What a command's input says about the command itself."""


def shape(cls: type[T], row: Row, **more: Any) -> T:
    """An object of the GraphQL type `cls` with the values of `row`; `more` are fields that are no columns."""
    loaded = vars(row)  # read at once: an attribute of a mapped row takes several times as long
    values = {
        name: _outside(loaded[name] if name in loaded else getattr(row, name))
        for name in _plain_fields(cls)  # type: ignore[arg-type]
        if name not in more
    }
    return cls(**values, **more)


def given(entered: Any) -> dict[str, Any]:
    """The fields of an input object that were given, as arguments for the service."""
    identifiers = _identifiers(type(entered))  # type: ignore[arg-type]
    return {
        field.name: _inside(value, field.name) if field.name in identifiers else in_time(value, field.name)
        for field in dataclasses.fields(entered)
        if field.name not in META_FIELDS and (value := getattr(entered, field.name)) is not strawberry.UNSET
    }


def line(value: str | None, *, field: str, longest: int = 200) -> str:
    """One line of text that may not be empty, without blanks around it; raises `Invalid` naming `field`."""
    text = " ".join((value or "").split())
    if not 1 <= len(text) <= longest:
        raise Invalid(f"{field} must have 1 to {longest} characters, not {len(text)}.", field=field)
    return text


def optional_line(value: str | None, *, field: str, longest: int = 200) -> str | None:
    """The same, for text that may be absent; blank text is absent."""
    return line(value, field=field, longest=longest) if value and value.strip() else None


def prose(value: str | None, *, field: str, longest: int = 20_000) -> str | None:
    """Text of any number of lines, or None when it is blank; raises `Invalid` when it is too long."""
    text = (value or "").strip()
    if len(text) > longest:
        raise Invalid(f"{field} may have at most {longest} characters, not {len(text)}.", field=field)
    return text or None


def camel(name: str) -> str:
    """`customer_id` as GraphQL writes it: `customerId`."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@functools.cache
def _plain_fields(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls) if field.init)


@functools.cache
def _identifiers(cls: type[Any]) -> frozenset[str]:
    definition = get_object_definition(cls, strict=True)
    return frozenset(field.python_name for field in definition.fields if _innermost(field.type) is strawberry.ID)


def _innermost(kind: Any) -> Any:
    while isinstance(kind, StrawberryContainer):
        kind = kind.of_type
    return kind


def _outside(value: Any) -> Any:
    if isinstance(value, UUID):
        return strawberry.ID(str(value))
    return list(value) if isinstance(value, tuple) else value


def in_time(value: Any, name: str) -> Any:
    """A moment in UTC, which is also meant where no zone is said; everything else as it is."""
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{camel(name)} lies outside of the years 1 to 9999.", field=camel(name)) from None


def _inside(value: Any, name: str) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_inside(one, name) for one in value]
    identity = parsed(str(value))
    if identity is None:
        thing = name.removesuffix("s").removesuffix("_id").replace("_", " ")
        raise NotFound(f"There is no {thing if thing != 'id' else 'such thing'} with this id.", field=camel(name))
    return identity
