"""Which labels of `@override` are active for a request: where a field that moves between subgraphs is asked for.

A label `percent(5)` is active for 5 % of the requests, any other one while the settings say so. One number is drawn for a
request and decides about all percentages, so that the request sees one state of the move: who is among the 5 % is
among the 20 % too. Labels that nobody has heard of are inactive, and the field stays where it was.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from router.federation.supergraph import Supergraph

Draw = Callable[[], float]  # a number from 0 (it may be) to 1 (it never is)

_PERCENT: Final = re.compile(r"percent\((\d{1,3}(?:\.\d{1,8})?)\)")


@dataclass(frozen=True, slots=True)
class OverrideLabels:
    """The labels of one supergraph: the sets that can be active, made beforehand.

    `sets[i]` is active when i of the `shares` are not above the number drawn.
    """

    shares: tuple[float, ...]
    sets: tuple[frozenset[str], ...]

    @staticmethod
    def of(supergraph: Supergraph, settings: Mapping[str, bool]) -> OverrideLabels:
        """Read the labels that occur, and only those: others would only make plans that differ in nothing."""
        labels = _labels(supergraph)
        percentages = {label: float(found[1]) / 100 for label in labels if (found := _PERCENT.fullmatch(label))}
        named = frozenset(label for label in labels - percentages.keys() if settings.get(label, False))
        shares = tuple(sorted(set(percentages.values())))
        lowest_drawn = (-1.0, *shares)
        sets = tuple(named | {label for label, share in percentages.items() if share > drawn} for drawn in lowest_drawn)
        return OverrideLabels(shares, sets)

    def active(self, draw: Draw) -> frozenset[str]:
        """The labels that are active for one request."""
        return self.sets[bisect_right(self.shares, draw())] if self.shares else self.sets[0]


def _labels(supergraph: Supergraph) -> frozenset[str]:
    return frozenset(
        join.label
        for joined in supergraph.types.values()
        for joins in joined.fields.values()
        for join in joins.values()
        if join.label is not None
    )
