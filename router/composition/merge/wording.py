"""How composition speaks of subgraphs and of what they disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_LONGEST_LIST = 100


def listed(names: Sequence[str], *, prefix: str = "", plural: str = "", last: str = " and ") -> str:
    """`subgraph "a"`, `subgraphs "a", "b" and "c"`; a long list is cut."""
    words = _cut(names)
    head = prefix if len(names) == 1 else plural or prefix
    head = f"{head} " if head else ""
    if len(words) < len(names):
        return head + ", ".join(words) + ", ..."
    if len(words) == 1:
        return head + words[0]
    return head + ", ".join(words[:-1]) + last + words[-1]


def _cut(names: Sequence[str]) -> Sequence[str]:
    length = 0
    kept: list[str] = []
    for name in names:
        length += len(name)
        if kept and length > _LONGEST_LIST:
            break
        kept.append(name)
    return kept


def subgraphs(names: Sequence[str]) -> str:
    """`subgraph "a"` or `subgraphs "a" and "b"`."""
    return listed([f'"{name}"' for name in names], prefix="subgraph", plural="subgraphs")


def types(names: Sequence[str]) -> str:
    """`type "A"` or `types "A" and "B"`."""
    return listed([f'"{name}"' for name in names], prefix="type", plural="types")


def distribution(
    groups: Sequence[tuple[str, Sequence[str]]],
    first: Callable[[str, str], str],
    rest: Callable[[str, str], str],
) -> str:
    """Say who has which variant: `it has A in x but B in y and C in z`."""
    words = [(variant, subgraphs(names)) for variant, names in groups]
    return first(*words[0]) + (f" but {_joined([rest(*entry) for entry in words[1:]])}" if len(words) > 1 else "")


def _joined(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]
