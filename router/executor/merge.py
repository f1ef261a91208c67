"""Merges the answers of several subgraphs into one tree of data.

The answers to one operation overlap: each repeats the keys, two may bring different fields of the same object, and a
subgraph that failed brings nulls. The rules, in this order:

    null        never replaces anything
    object      joins an object, key by key
    list        joins a list, index by index (the longer one keeps its tail)
    __typename  an interface's name (from a subgraph that knows only the interface) never replaces a real type's
    the rest    the later one wins: both have promised to say the same
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any


def into(target: dict[str, Any], source: dict[str, Any], objects: Container[str]) -> None:
    """Merge `source` into `target`; `objects` are the names that a real `__typename` may have."""
    for key, value in source.items():
        if key == "__typename" and _is_real(target.get(key), objects) and not _is_real(value, objects):
            continue
        target[key] = _joined(target[key], value, objects) if key in target else value


def _is_real(name: Any, objects: Container[str]) -> bool:
    return isinstance(name, str) and name in objects


def _joined(old: Any, new: Any, objects: Container[str]) -> Any:
    if new is None or old is new:
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        into(old, new, objects)
        return old
    if isinstance(old, list) and isinstance(new, list):
        return _joined_lists(old, new, objects)
    return new


def _joined_lists(old: list[Any], new: list[Any], objects: Container[str]) -> list[Any]:
    for index, value in enumerate(new):
        if index < len(old):
            old[index] = _joined(old[index], value, objects)
        else:
            old.append(value)
    return old
