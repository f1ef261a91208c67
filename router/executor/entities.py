"""Representations out, entities back: which objects an entity fetch is about, each of them once.

    data                              entities                       request
    tickets.0.owner {id: 7} ─┐
    tickets.1.owner {id: 9} ─┼──────► {User, 7}: 0, 2 ──────►  representations: [{User, 7}, {User, 9}]
    tickets.2.owner {id: 7} ─┘        {User, 9}: 1

What comes back at index i of `_entities` is merged into every position of entity i.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from router.executor import merge
from router.executor.paths import Position, positions
from router.executor.types import RuntimeTypes
from router.planner.query_plan import (
    Fetch,
    KeyRename,
    RequiresField,
    RequiresFragment,
    RequiresSelection,
    ValueSetter,
)


@dataclass(slots=True)
class Entity:
    """One representation, and every place in the data where this entity stands."""

    representation: dict[str, Any]
    positions: list[Position] = field(default_factory=list)


@dataclass(slots=True)
class Collected:
    """The distinct entities of a fetch, and the objects that can't be asked for because data of theirs are missing."""

    entities: list[Entity]
    incomplete: list[Position]


class _Absent(KeyError):
    """A field that the representation needs is not in the data."""


def collect(found: Iterable[Position], fetch: Fetch, types: RuntimeTypes) -> Collected:
    """Build the representations; leave out objects of other types and those without a key."""
    entities: dict[bytes, Entity] = {}
    incomplete: list[Position] = []
    for position in found:
        try:
            built = representation(position.value, fetch, types)
        except _Absent:
            incomplete.append(position)
            continue
        if built is not None:
            key = orjson.dumps(built, option=orjson.OPT_SORT_KEYS)
            entities.setdefault(key, Entity(built)).positions.append(position)
    return Collected(list(entities.values()), incomplete)


def representation(source: dict[str, Any], fetch: Fetch, types: RuntimeTypes) -> dict[str, Any] | None:
    """Return what identifies the object to the service, `__typename` first; None when it's not for this fetch."""
    if "__typename" not in source:
        raise _Absent
    fields = _select(source, fetch.requires, types)
    type_name = fields.pop("__typename", None)
    if not fields or not isinstance(type_name, str):
        return None
    built = {"__typename": type_name, **fields}
    for setter in fetch.input_rewrites:
        _set(built, setter, types)
    return built if types.keyed(fetch.service_name, built) else None


def _select(source: dict[str, Any], selections: Sequence[RequiresSelection], types: RuntimeTypes) -> dict[str, Any]:
    selected: dict[str, Any] = {}
    for selection in selections:
        match selection:
            case RequiresFragment(condition, inner):
                if types.satisfies(source.get("__typename"), condition):
                    merge.into(selected, _select(source, inner, types), types.objects)
            case RequiresField():
                value = _required(source, selection, types)
                merge.into(selected, {selection.name: value}, types.objects)
    return selected


def _required(source: dict[str, Any], wanted: RequiresField, types: RuntimeTypes) -> Any:
    if wanted.response_key not in source:
        raise _Absent
    value = source[wanted.response_key]
    return selected_value(value, wanted.selections, types) if wanted.selections else value


def selected_value(value: Any, selections: Sequence[RequiresSelection], types: RuntimeTypes) -> Any:
    """Return what a representation says of a value: of objects, in lists too, only what is required."""
    if value is None:
        return None
    if isinstance(value, list):
        return [selected_value(item, selections, types) for item in value]
    if not isinstance(value, dict):
        raise _Absent
    return _select(value, selections, types)


def _set(built: dict[str, Any], setter: ValueSetter, types: RuntimeTypes) -> None:
    *path, key = setter.path
    for position in positions(Position(built, ()), tuple(path), types):
        if key in position.value:
            position.value[key] = setter.value


def rename(root: dict[str, Any], renames: Iterable[KeyRename], types: RuntimeTypes) -> None:
    """Give the fields that travelled under an internal alias their real keys back."""
    for change in renames:
        for position in list(positions(Position(root, ()), change.path, types)):
            if change.from_key in position.value:
                value = position.value.pop(change.from_key)
                merge.into(position.value, {change.to_key: value}, types.objects)


def batches(entities: list[Entity], size: int) -> Iterator[list[Entity]]:
    """Cut a long list into requests of bounded size."""
    for start in range(0, len(entities), size):
        yield entities[start : start + size]
