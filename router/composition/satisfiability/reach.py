"""Which places can be reached from a place, and which field sets can be had there.

The two questions need each other: a move needs its key, a key may need another move. The answer is the smallest solution: what
can be had in finitely many steps. It is found by asking downwards; a question that comes up again while it is being answered
is answered no for the time being. A yes found that way is final, as more knowledge never takes a way away. A no is only kept
if it did not lean on such a provisional answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from router.composition.satisfiability.graph import Graph, Place, Step
from router.federation.elements import Kind
from router.federation.fieldsets import FieldSet, Fragment, Selection

T = TypeVar("T")
_NEVER = 1 << 30


class Reach:
    """Answers about one graph; remembers them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[Hashable, object] = {}
        self._asking: dict[Hashable, int] = {}
        # The outermost open question that the current answer leans on.
        self._leans_on = _NEVER

    def _ask(self, question: Hashable, provisional: T, answer: Callable[[], T]) -> T:
        if question in self._known:
            return self._known[question]  # type: ignore[return-value]
        if question in self._asking:
            self._leans_on = min(self._leans_on, self._asking[question])
            return provisional
        depth, outer = len(self._asking), self._leans_on
        self._asking[question] = depth
        self._leans_on = _NEVER
        try:
            found = answer()
        finally:
            del self._asking[question]
        if self._leans_on >= depth:
            self._known[question] = found
            self._leans_on = outer
        else:
            self._leans_on = min(outer, self._leans_on)
            if found is True:
                self._known[question] = found
        return found

    def places(self, start: Place) -> tuple[Place, ...]:
        """The place itself and every place that moves lead to, nearest first."""
        return self._ask(("places", start), (start,), lambda: self._places(start))

    def _places(self, start: Place) -> tuple[Place, ...]:
        found = {start: None}
        waiting = [start]
        for place in waiting:  # grows while it is walked
            if self.graph.targets(place) <= found.keys():
                continue
            for move in self.graph.moves(place):
                if move.target not in found and self.has(place, move.key):
                    found[move.target] = None
                    waiting.append(move.target)
        return tuple(found)

    def has(self, place: Place, selections: FieldSet) -> bool:
        """Whether a field set can be had, starting from a place."""
        return not selections or self._ask(("has", place, selections), False, lambda: self._has((place,), selections))  # noqa: FBT003

    def _has(self, places: Iterable[Place], selections: FieldSet, contexts: frozenset[str] = frozenset()) -> bool:
        starts = tuple(places)
        return all(self._has_one(starts, selection, contexts) for selection in selections)

    def _has_one(self, places: tuple[Place, ...], selection: Selection, contexts: frozenset[str]) -> bool:
        """Whether one selection can be had; a context that was set before the field set began is not known in it."""
        if isinstance(selection, Fragment):
            return self._has_fragment(places, selection, contexts)
        if selection.name == "__typename":
            return any(self.knows_type(place) for place in places)
        if self.graph.contexts_set:
            contexts = contexts.union(*(self.graph.contexts_set.get(place.type, ()) for place in places))
        steps = (step for place in places for step in self.steps(place, selection.name))
        targets = [step.target for step in steps if step.contexts <= contexts]
        if targets and self._has(targets, selection.selections, contexts):
            return True
        return any(self._has_in_each(place, selection) for place in places)

    def _has_fragment(self, places: tuple[Place, ...], fragment: Fragment, contexts: frozenset[str]) -> bool:
        if fragment.on is None:
            return self._has(places, fragment.selections, contexts)
        narrowed: list[Place] = []
        for place in places:
            narrowed += self._objects(place, fragment.on)
        # Nothing of that type can be met in any place: Apollo takes that for a requirement which can't be had.
        return bool(narrowed) and all(self._has((place,), fragment.selections, contexts) for place in narrowed)

    def _objects(self, place: Place, on: str) -> list[Place]:
        if place.type == on:
            return [place]
        wanted = self.graph.supergraph.runtime_types(on)
        return [p for name in sorted(wanted) if (p := self.graph.narrow(place, name)) is not None]

    def _has_in_each(self, place: Place, selection: Selection) -> bool:
        """An interface field that is not resolved in one place may be had from each object behind the interface."""
        definition = self.graph.definition(place)
        if definition.kind is not Kind.INTERFACE:
            return False
        names = self.graph.subgraphs[place.subgraph].schema.runtime_types(place.type)
        narrowed = [self.graph.narrow(place, name) for name in sorted(names)]
        return bool(narrowed) and all(p is not None and self.has(p, (selection,)) for p in narrowed)

    def knows_type(self, place: Place) -> bool:
        """Whether the type of the object can be told, here or after a move."""
        return any(not self.graph.is_interface_object(found) for found in self.places(place))

    def steps(self, place: Place, name: str) -> list[Step]:
        """All ways to take a field, here or after a move."""
        return self.steps_from(self.places(place), name)

    def steps_from(self, places: Iterable[Place], name: str) -> list[Step]:
        """All ways to take a field in some places, without moving."""
        found = []
        for start in places:
            step = self.graph.step(start, name)
            if step is not None and (not step.requires or self.can_require(start, step.requires)):
                found.append(step)
        return found

    def can_require(self, place: Place, requires: FieldSet) -> bool:
        """Whether what a field requires can be had, and the subgraph be entered again with it."""
        return self.has(place, requires) and self.can_return(place)

    def can_return(self, place: Place) -> bool:
        """Whether the type has a key that the subgraph can fill itself; it need not be one that others may use."""
        return any(self._has_locally(place, key) for key in self.graph.keys(place))

    def _has_locally(self, place: Place, selections: FieldSet) -> bool:
        for selection in selections:
            if isinstance(selection, Fragment):
                continue
            if selection.name == "__typename":
                continue
            step = self.graph.step(place, selection.name)
            if step is None or not self._has_locally(step.target, selection.selections):
                return False
        return True
