"""Finds the objects of a response that a plan's path leads to, with the response path of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from router.executor.errors import ResponsePath
from router.executor.types import RuntimeTypes
from router.graph.selections import client_key
from router.planner.query_plan import Path

EACH = "@"


@dataclass(frozen=True, slots=True)
class Position:
    """One object in the data, and where it stands in the response."""

    value: dict[str, Any]
    path: ResponsePath


@dataclass(frozen=True, slots=True)
class _Step:
    """A response key, or `@`; then only objects of these types (none named: all)."""

    key: str | None
    types: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def _steps(path: Path) -> tuple[_Step, ...]:
    return tuple(map(_step, path))


def _step(text: str) -> _Step:
    key, bar, types = text.partition("|")
    names = tuple(name.strip() for name in types.strip("[]").split(",")) if bar else ()
    return _Step(key or None, names)


def positions(root: Position, path: Path, types: RuntimeTypes) -> Iterator[Position]:
    """Walk from `root`; whatever has not the shape that the path expects is passed over."""
    for value, where in _walk(root.value, root.path, _steps(path), types):
        if isinstance(value, dict):
            yield Position(value, where)


def _walk(
    value: Any, where: ResponsePath, steps: tuple[_Step, ...], types: RuntimeTypes
) -> Iterator[tuple[Any, ResponsePath]]:
    if not steps:
        yield value, where
        return
    step, rest = steps[0], steps[1:]
    for inner, place in _children(value, where, step.key):
        if not step.types or _is_one_of(inner, step.types, types):
            yield from _walk(inner, place, rest, types)


def _children(value: Any, where: ResponsePath, key: str | None) -> Iterator[tuple[Any, ResponsePath]]:
    if key is None:
        yield value, where
    elif key == EACH:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield item, (*where, index)
    elif isinstance(value, dict) and key in value:
        yield value[key], (*where, client_key(key))


def _is_one_of(value: Any, names: tuple[str, ...], types: RuntimeTypes) -> bool:
    # A list of lists is met before its elements are: the condition is for these.
    if not isinstance(value, dict):
        return False
    return any(types.satisfies(value.get("__typename"), name) for name in names)
