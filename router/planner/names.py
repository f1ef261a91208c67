"""Response keys for what the planner asks for itself, chosen so that they never meet the client's."""

from __future__ import annotations

from router.graph.selections import TYPENAME, Field, Fragment, Guards, Selections
from router.graph.steps import Position

_Identity = tuple[str, ...]


class Names:
    """Knows at every position of the response which key stands for which field."""

    def __init__(self, selections: Selections) -> None:
        self._claims: dict[Position, dict[str, set[_Identity]]] = {}
        self._guards: dict[Position, set[Guards]] = {}
        self._claim_all((), selections)

    def _claim_all(self, position: Position, selections: Selections) -> None:
        for item in selections:
            match item:
                case Field():
                    claims = self._claims.setdefault(position, {})
                    claims.setdefault(item.response_key, set()).add(item.identity)
                    below = (*position, item.response_key)
                    self._guards.setdefault(below, set()).add(item.guards)
                    self._claim_all(below, item.selections)
                case Fragment():
                    self._claim_all(position, item.selections)

    def is_guarded_variously(self, position: Position) -> bool:
        """Whether the field at a position is asked for more than once, under different conditions."""
        return len(self._guards.get(position, ())) > 1

    def key(self, position: Position, item: Field) -> str:
        """The key under which a field that the planner needs is fetched: its own name, unless that is taken."""
        if item.name == TYPENAME:
            return TYPENAME
        claims = self._claims.setdefault(position, {})
        candidate, number = item.name, 0
        while claims.get(candidate, {item.identity}) != {item.identity}:
            candidate, number = f"_{item.name}_{number}", number + 1
        claims.setdefault(candidate, set()).add(item.identity)
        return candidate
