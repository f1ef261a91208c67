"""What one subgraph can answer by itself at a node, without any hop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from router.graph.build import QueryGraph
from router.graph.edges import FieldMove
from router.graph.nodes import Node
from router.graph.selections import TYPENAME, TYPENAME_FIELD, Field, Fragment, Selection, Selections, merged


class _ElsewhereError(Exception):
    """Some part of a selection is not this subgraph's to answer."""


@dataclass(slots=True)
class Locality:
    """Answers about single nodes, remembered."""

    graph: QueryGraph
    _known: dict[tuple[Node, frozenset[str], int], tuple[Selections, Selections | None]] = field(default_factory=dict)
    _asking: set[tuple[Node, str]] = field(default_factory=set)

    def move(self, node: Node, types: frozenset[str], name: str, *, with_requires: bool = False) -> FieldMove | None:
        """The move along a field if it can be asked for here as it stands, for each of the types possible."""
        move = self.graph.field(node, name)
        if move is None or not (with_requires or self._is_ready(node, types, move)):
            return None
        if name == TYPENAME or not self.graph.is_abstract(node.type_name) or self.graph.is_interface_object(node):
            return move
        own = (self.graph.field(self.graph.narrowed(node, one), name) for one in self.types_here(node, types))
        return move if all(each is not None and self._is_ready(node, types, each) for each in own) else None

    def _is_ready(self, node: Node, types: frozenset[str], move: FieldMove) -> bool:
        """Whether a field needs nothing, or nothing that the subgraph doesn't have already where this path leads."""
        if move.contexts or (node, move.name) in self._asking:
            return False
        if not move.requires:
            return True
        self._asking.add((node, move.name))
        try:
            return self.of(node, types, move.requires) is not None
        finally:
            self._asking.discard((node, move.name))

    def types_here(self, node: Node, types: frozenset[str]) -> list[str]:
        """Those of the types that this subgraph can return at the node."""
        return sorted(types & self.graph.possible(node.type_name, node.graph))

    def has_word_for(self, type_name: str, node: Node, types: frozenset[str]) -> bool:
        """Whether a condition on an abstract type means the same in the subgraph as in the supergraph."""
        graph = self.graph
        if graph.is_interface_object(node) or not graph.has(type_name, node.graph):
            return False
        if graph.is_interface_object(Node(type_name, node.graph)):
            return False
        here = types & graph.possible(node.type_name, node.graph)
        return here & graph.possible(type_name, node.graph) == here & graph.all_possible(type_name)

    def of(self, node: Node, types: frozenset[str], selections: Selections) -> Selections | None:
        """The selections in the subgraph's own words; None when they are not all its to answer."""
        key = (node, types, id(selections))
        if key not in self._known:
            # The selections are kept with the answer, so that their id is not given to others meanwhile.
            self._known[key] = (selections, self._of(node, types, selections))
        return self._known[key][1]

    def _of(self, node: Node, types: frozenset[str], selections: Selections) -> Selections | None:
        try:
            found = merged(part for item in selections for part in self._item(node, types, item))
        except _ElsewhereError:
            return None
        is_typed = self.graph.is_abstract(node.type_name) and not self.graph.is_interface_object(node)
        return merged((TYPENAME_FIELD, *found)) if is_typed or not found else found

    def _item(self, node: Node, types: frozenset[str], item: Selection) -> Iterator[Selection]:
        match item:
            case Field():
                yield from self._field(node, types, item)
            case Fragment():
                yield from self._fragment(node, types & self.graph.all_possible(item.on), item)

    def _field(self, node: Node, types: frozenset[str], item: Field) -> Iterator[Selection]:
        move = self.move(node, types, item.name)
        if move is None:
            if not self.graph.is_abstract(node.type_name) or self.graph.is_interface_object(node):
                raise _ElsewhereError
            for name in self.types_here(node, types):
                yield from self._fragment(node, frozenset({name}), Fragment(name, (item,)))
        elif move.target is None:
            yield item
        else:
            returned = (self.graph.runtime_types(parent, item.name) for parent in types)
            inner = self.of(move.target, frozenset[str]().union(*returned), item.selections)
            if inner is None:
                raise _ElsewhereError
            yield replace(item, selections=inner)

    def _fragment(self, node: Node, types: frozenset[str], item: Fragment) -> Iterator[Selection]:
        if item.deferral is not None or self.graph.is_interface_object(node):
            raise _ElsewhereError  # what is deferred is rather for another time
        here = self.types_here(node, types)
        if not here:
            return
        if not self.graph.is_abstract(node.type_name):
            for inner in item.selections:
                yield from self._item(node, types, inner)
        elif not self.graph.is_abstract(item.on) or self.has_word_for(item.on, node, types):
            yield self._narrowed(node, types, item)
        else:
            for name in here:
                yield self._narrowed(node, frozenset({name}), Fragment(name, item.selections))

    def _narrowed(self, node: Node, types: frozenset[str], item: Fragment) -> Fragment:
        inner = self.of(self.graph.narrowed(node, item.on), types, item.selections)
        if inner is None:
            raise _ElsewhereError
        return Fragment(item.on, inner)
