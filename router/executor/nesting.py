"""How deep a JSON value is nested: what is deeper than anybody needs would end our recursions, not theirs."""

from __future__ import annotations

from typing import Any, Final

DEEPEST: Final = 200
"""Levels of lists and objects; orjson itself writes at most 254."""


def too_deep(value: Any) -> bool:
    """Tell whether a value is nested deeper than we follow; level by level, so that asking is not itself a danger."""
    return depth(value) > DEEPEST


def depth(value: Any) -> int:
    """Count the levels of lists and objects, as far as they matter."""
    level = [value]
    for reached in range(DEEPEST + 2):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return reached + isinstance(value, dict | list)
    return DEEPEST + 2
