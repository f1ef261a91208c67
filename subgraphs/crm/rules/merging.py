"""What is true when two become one, with no I/O: nothing that was known of either is lost, and what both know, the target knows better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from subgraphs.kit.errors import Conflict, Invalid


def check(source: UUID, target: UUID, *, gone: Iterable[UUID | None]) -> None:
    """Raise when something should become itself, or one of the two became another one already."""
    if source == target:
        raise Invalid("Nobody can be merged with themselves.", field="targetId")
    if any(one is not None for one in gone):
        raise Conflict("One of the two was merged into another one already.", field="sourceId")


def filled(target: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """What the target learns: each value that it has not, and the source has."""
    return {name: value for name, value in source.items() if _is_empty(target.get(name)) and not _is_empty(value)}


def united(target: Iterable[str], source: Iterable[str]) -> list[str]:
    """The words of both, each once, the target's first."""
    once: dict[str, str] = {}
    for word in (*target, *source):
        once.setdefault(word.casefold(), word)
    return list(once.values())


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
