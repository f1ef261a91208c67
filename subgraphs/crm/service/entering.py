"""From what was entered to what is stored: each field through its own function, and what is different afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from subgraphs.kit.shapes import camel
from subgraphs.kit.tables import Entity

Clean = Callable[..., Any]
"""Takes the value as it was entered and the name of its `field`; gives back the value that is stored, or refuses."""


def kept(value: Any, *, field: str) -> Any:
    """A value that needs no look: a reference, or a choice that GraphQL has checked."""
    del field
    return value


def optional(clean: Clean) -> Clean:
    """The same, for a value that may be absent."""
    return lambda value, *, field: None if value is None else clean(value, field=field)


def cleaned(clean: Mapping[str, Clean], entered: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `entered` that `clean` knows, as they are stored."""
    return {name: clean[name](value, field=camel(name)) for name, value in entered.items() if name in clean}


def changed_by(row: Entity, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the row these values; the fields that are different now, by their names in GraphQL."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return tuple(_SHOWN.get(name) or camel(name) for name in changed)


_SHOWN: Mapping[str, str] = MappingProxyType({"parent_id": "parent", "group_id": "group", "custom": "customFields"})
"""Columns that GraphQL calls otherwise."""
