"""What ancestors hand down to the objects of a fetch: the values of its context variables, object by object.

A variable has one value in a request, but the objects of a fetch may stand below different ancestors. So they are asked for
in groups, one request for each set of values:

    shops.0 {currency: EUR}   products.0 ─┬─►  $currency = EUR   representations: [0, 1]
                              products.1 ─┘
    shops.1 {currency: USD}   products.0 ───►  $currency = USD   representations: [0]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from router.executor.errors import ResponsePath
from router.executor.paths import Position
from router.executor.types import RuntimeTypes
from router.graph.selections import stored_key
from router.planner.query_plan import UP, KeyRename


@dataclass(frozen=True, slots=True)
class Group:
    """Objects to which the same values are handed down."""

    values: dict[str, Any]
    positions: list[Position]


@dataclass(frozen=True, slots=True)
class Handed:
    """The groups of a fetch, and the objects for which some value did not arrive."""

    groups: list[Group]
    incomplete: list[Position]


def hand_down(
    found: Iterable[Position], rewrites: Sequence[KeyRename], data: dict[str, Any], types: RuntimeTypes
) -> Handed:
    """Group objects by what their ancestors hand down to them."""
    if not rewrites:
        return Handed([Group({}, list(found))], [])
    variables = {rewrite.to_key for rewrite in rewrites}
    groups: dict[bytes, Group] = {}
    incomplete: list[Position] = []
    for position in found:
        values = {
            rewrite.to_key: value
            for rewrite in reversed(rewrites)  # the first one that leads somewhere is to win
            for value in _values(position, rewrite, data, types)
        }
        if values.keys() == variables:
            key = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
            groups.setdefault(key, Group(values, [])).positions.append(position)
        else:
            incomplete.append(position)
    return Handed(list(groups.values()), incomplete)


def _values(position: Position, rewrite: KeyRename, data: dict[str, Any], types: RuntimeTypes) -> Iterator[Any]:
    levels = rewrite.path.count(UP)
    ancestor: Any = data
    for step in _above(position.path, levels):
        ancestor = ancestor[stored_key(step) if isinstance(step, str) else step]
    yield from _value(ancestor, [*rewrite.path[levels:], rewrite.from_key], types)


def _above(path: ResponsePath, levels: int) -> ResponsePath:
    """The path of an object around the one at a path: without its place in a list, and without the field."""
    for _ in range(levels):
        while path and isinstance(path[-1], int):
            path = path[:-1]
        path = path[:-1]
    return path


def _value(value: Any, path: list[str], types: RuntimeTypes) -> Iterator[Any]:
    """The value at a path; null where something on the way is null, nothing where it is not there."""
    if not path or value is None:
        yield value
    elif isinstance(value, dict):
        part, rest = path[0], path[1:]
        if part.startswith("|"):
            if types.satisfies(value.get("__typename"), part[2:-1]):
                yield from _value(value, rest, types)
        elif part in value:
            yield from _value(value[part], rest, types)
