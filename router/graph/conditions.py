"""Can a key or a `@requires` be fetched from here, and how: the walk, started again from the middle of a path.

A condition may need hops, which have conditions of their own. The search for one never goes through the same
hop again (the same type, into the same subgraph, for the same requirements): what needs itself can't be had. Whether a
search met such a door is remembered, since only answers that didn't depend on it hold elsewhere too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from router.federation.joins import ContextArgument
from router.graph.allowance import Allowance
from router.graph.build import QueryGraph
from router.graph.choice import best
from router.graph.edges import EntryMove, FieldMove, KeyMove
from router.graph.nodes import Node
from router.graph.paths import DeadEnd, Walk
from router.graph.selections import Selections, merged
from router.graph.steps import Enter, Handed, Leaf, Path, Place, Solution, Start

_Door = tuple[str, str, Selections]
_Question = tuple[Node, str, frozenset[str], Selections, Selections]


@dataclass(slots=True)
class Search:
    """One operation's search for paths."""

    graph: QueryGraph
    allowance: Allowance
    walk: Walk = field(init=False)
    _doors: list[_Door] = field(default_factory=list)
    _lowest_door_met: int = 0
    _known: dict[_Question, Solution | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.walk = Walk(self.graph, self._solve, self._hand, self.allowance.path)

    def from_roots(self, selections: Selections, type_name: str, graphs: Sequence[str]) -> list[Leaf]:
        """The paths to each leaf, starting with the root type of any of the subgraphs."""
        paths = [
            Path(None, Enter(), node, cost=1_000)
            for graph in graphs
            if self.graph.has(type_name, graph) and (node := Node(type_name, graph))
        ]
        return list(self.walk.leaves(selections, Place(type_name, frozenset({type_name})), paths))

    def choose(self, leaves: Sequence[Leaf]) -> Solution:
        """The best combination of paths."""
        return best(leaves, self.allowance)

    def _solve(self, path: Path, place: Place, entry: EntryMove, requires: Selections) -> Solution | None:
        if not isinstance(entry, KeyMove):
            return None
        door = (path.node.type_name, entry.target.graph, requires)
        if door in self._doors:
            self._lowest_door_met = min(self._lowest_door_met, self._doors.index(door))
            return None
        # What a deferred hop requires besides its key is not to be waited for by what led there.
        now, later = (entry.key, requires) if path.closed else (merged((*entry.key, *requires)), ())
        question = (path.node, place.type_name, place.types, now, later)
        if question in self._known:
            return self._known[question]
        return self._search(door, question)

    def _hand(self, path: Path, node: Node, move: FieldMove) -> tuple[Handed, ...] | None:
        """Find who sets the contexts that a field reads, and how the values are fetched there."""
        found = [self._handed(path, node, move.name, argument) for argument in move.contexts]
        return None if None in found else tuple(one for one in found if one)

    def _handed(self, path: Path, reader: Node, field_name: str, argument: ContextArgument) -> Handed | None:
        above = enumerate(path.ancestors(), start=1)
        setting = (one for one in above if self.graph.sets_context(one[1].node.type_name, argument.context))
        up, ancestor = next(setting, (0, path))
        if not up:
            return None
        node = ancestor.node
        selections = self.graph.field_set(argument.selection, node.type_name)
        types = self.graph.possible(node.type_name, node.graph)
        door = (node.type_name, reader.graph, selections)
        question = (node, node.type_name, types, selections, ())
        if door in self._doors:
            return None
        solution = self._known[question] if question in self._known else self._search(door, question)
        variable = self.graph.context_variable(reader, field_name, argument)
        return Handed(variable, argument.type, up, ancestor, selections, solution) if solution else None

    def _search(self, door: _Door, question: _Question) -> Solution | None:
        node, type_name, types, now, later = question
        outer, depth = self._lowest_door_met, len(self._doors)
        self._lowest_door_met = depth + 1  # none
        self._doors.append(door)
        try:
            place, start = Place(type_name, types), Path(None, Start(), node)
            leaves = list(self.walk.leaves(now, place, [start]))
            leaves += self.walk.leaves(later, place, [replace(start, closed=True)])
            found = best(leaves, self.allowance)
        except DeadEnd:
            found = None
        finally:
            self._doors.pop()
        if self._lowest_door_met > depth:
            self._known[question] = found
        if self._lowest_door_met < depth:  # to have met one's own door means nothing to those further out
            outer = min(outer, self._lowest_door_met)
        self._lowest_door_met = outer
        return found
