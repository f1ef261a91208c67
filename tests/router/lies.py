"""What subgraphs may say instead of an answer."""

from __future__ import annotations

import random
from typing import Any

JUNK: list[Any] = [None, 7, -1.5, True, "", "A", [], [None], {}, [[{}]], {"__typename": "Nobody"}, {"__typename": 7}]


def spoiled(value: Any, roll: random.Random) -> Any:
    """Replace, drop and repeat parts of an answer at random."""
    if roll.random() < 0.05:
        return roll.choice(JUNK)
    if isinstance(value, list):
        kept = [spoiled(item, roll) for item in value if roll.random() > 0.03]
        return kept + kept[:1] if roll.random() < 0.05 else kept
    if isinstance(value, dict):
        return {key: spoiled(inner, roll) for key, inner in value.items() if roll.random() > 0.03}
    return value
