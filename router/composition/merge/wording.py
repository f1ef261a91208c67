"""How composition speaks of subgraphs and of what they disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

# Lists of names end with dots when they get longer than this.
MOST_LETTERS = 100


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def enumerated(names: Sequence[str], word: str, *, most: int = MOST_LETTERS) -> str:
    """`subgraph "a"`, `subgraphs "a", "b" and "c"`, or `subgraphs "a", "b", ...` when there are too many."""
    if len(names) == 1:
        return f"{word} {names[0]}"
    shown = max(1, sum(length <= most for length in accumulate(map(len, names))))
    return f"{word}s " + (listed(names) if shown == len(names) else ", ".join(names[:shown]) + ", ...")


def subgraphs(names: Sequence[str], *, most: int = MOST_LETTERS) -> str:
    """`subgraph "a"` or `subgraphs "a" and "b"`."""
    return enumerated([f'"{name}"' for name in names], "subgraph", most=most)


def types(names: Sequence[str]) -> str:
    """`type "A"` or `types "A" and "B"`."""
    return enumerated([f'"{name}"' for name in names], "type")


def distribution(
    groups: Sequence[tuple[str, Sequence[str]]],
    first: Callable[[str, str], str],
    rest: Callable[[str, str], str],
) -> str:
    """Say who has which variant: `it has A in x but B in y and C in z`."""
    words = [(variant, subgraphs(names)) for variant, names in groups]
    others = " and ".join(rest(*entry) for entry in words[1:])
    return first(*words[0]) + (f" but {others}" if others else "")
