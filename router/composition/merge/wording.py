"""How composition speaks of subgraphs and of what they disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def listed(names: Sequence[str], *, prefix: str = "", plural: str = "", last: str = " and ") -> str:
    """`subgraph "a"`, `subgraphs "a", "b" and "c"`."""
    head = prefix if len(names) == 1 else plural or prefix
    head = f"{head} " if head else ""
    if len(names) == 1:
        return head + names[0]
    return head + ", ".join(names[:-1]) + last + names[-1]


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
    others = " and ".join(rest(*entry) for entry in words[1:])
    return first(*words[0]) + (f" but {others}" if others else "")
