"""All ways through the graph: for each leaf of a selection, the paths that reach it.

Theory
------
The walk goes through a normalised selection from the top. At each place it carries *all* paths that lead there and
are worth keeping: for every node that can be reached, the cheapest, and the ties. For a field, each path is extended

    directly     the subgraph of its node answers the field
    by a hop     another subgraph answers it, and one of its keys can be fetched from where the path stands

                          customer ──► name                   path 1: crm
    Query/crm ── customer ┤
                          └─(key id)─► Customer/tickets ──► tickets      path 2: crm, then tickets

What a hop needs first (the key, and what `@requires` names) is itself a selection, so it is found by the same walk,
started at the node of the path: see `router.graph.conditions`. A field with requirements is therefore reached
like any other, only that the hop needs more; when it's the same subgraph, the hop leads back into it.

An argument from a context (`@fromContext`) is a requirement too, only that it is fetched further up: at the nearest object on
the path whose type sets the context. Such a field is therefore always reached by a hop, its own or one before that left
the ancestor's fetch.

A leaf ends with several paths, and which to take can't be told here: a costly path may be free because another leaf
goes the same way. Choosing is left to whoever sees all leaves (`router.graph.choice`).

Three things keep the walk small. When everything below a field can be answered by the subgraphs that a path stands in,
all of it is one leaf (`Rest`). A hop is only tried towards a subgraph that answers the field sought: what it takes to
get there is the condition's business. And no hop is tried inside the search for its own condition.

What is deferred
----------------
A fragment under `@defer` is walked like the rest, but the paths into it are *closed*: the fetch that led there is not asked
for more than keys, so that it does not wait for what may come later, and each field is reached by a hop, though it be back
into the same subgraph. Only where no hop leads to it (the type is no entity) it's taken on the way, if that is gone anyway, or
else the last fetch on the way is made for it alone. See `router.planner.defer`.

Types
-----
A field of an interface is taken as it is where each object type possible there resolves it in that subgraph;
otherwise the walk *explodes* it, going on for each object type alone. A type condition that the subgraph has no word for
is exploded too. Of a subgraph that knows an interface only as an object (`@interfaceObject`) it can't be
asked which object it really is: there `__typename` has to be fetched by a hop, the interface's own fields may be
asked for regardless of the type, and a type's fields are reached through a subgraph that has the real interface. Two
cases need the type before anything else: a field of the interface that no subgraph with the real interface declares is looked for
type by type, and types for which one response key means different things are asked apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from router.graph.build import QueryGraph
from router.graph.edges import EntryMove, FieldMove, RootMove
from router.graph.locality import Locality
from router.graph.nodes import Node
from router.graph.selections import TYPENAME, TYPENAME_FIELD, Deferral, Field, Fragment, Selections, keys_clash
from router.graph.steps import NOTHING_NEEDED, Handed, Leaf, Path, Place, Solution

_TIES = 6


class DeadEnd(Exception):
    """No path leads to a field."""

    def __init__(self, type_name: str, field_name: str, reason: str = "") -> None:
        super().__init__(f'no subgraph that can be reached answers "{type_name}.{field_name}"{reason}')
        self.type_name = type_name
        self.field_name = field_name


Solve = Callable[[Path, Place, EntryMove, Selections], Solution | None]
Hand = Callable[[Path, Node, FieldMove], tuple[Handed, ...] | None]


@dataclass(slots=True)
class Walk:
    """Finds paths; `solve` finds what a hop needs, `hand` what ancestors hand down; `count` is told of each path looked at."""

    graph: QueryGraph
    solve: Solve
    hand: Hand
    count: Callable[[], None]
    locality: Locality = field(init=False)

    def __post_init__(self) -> None:
        self.locality = Locality(self.graph)

    def leaves(self, selections: Selections, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        """Find the paths to each leaf of a selection; raises `DeadEnd` when there are none."""
        if any(self.graph.is_interface_object(path.node) for path in paths) and keys_clash(selections):
            place = replace(place, apart=True)
        for item in selections:
            match item:
                case Field():
                    yield from self._field(item, place, paths)
                case Fragment():
                    yield from self._fragment(item, place, paths)

    def _field(self, item: Field, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        options = self._options(item, place, paths)
        if not options:
            if not self._may_explode(item, place, paths):
                raise DeadEnd(place.type_name, item.name, self._reason(item, place))
            yield from self._exploded(item, place, paths)
        elif not item.selections:
            yield Leaf(tuple(options))
        else:
            below = Place(self._returned(item, place), self.types_below(item.name, place))
            try:
                leaves = list(self._below(item.selections, below, options))
            except DeadEnd:
                if not self._sets_contexts(place):
                    raise
                leaves = list(self._exploded(item, place, paths))
            yield from leaves

    def _exploded(self, item: Field, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        for name in sorted(place.types):
            yield from self._fragment(Fragment(name, (item,)), place, paths)

    def _sets_contexts(self, place: Place) -> bool:
        """Whether a context is set here only by the object types, each for itself, so that it takes these to find it."""
        return self.graph.is_abstract(place.type_name) and any(
            self.graph.supergraph.types[name].contexts for name in place.types
        )

    def _reason(self, item: Field, place: Place) -> str:
        joins = self.graph.resolving(place.type_name, item.name)
        return (
            " without a context that nothing above sets (@fromContext)"
            if any(join.context_arguments for join in joins)
            else ""
        )

    def _returned(self, item: Field, place: Place) -> str:
        definition = self.graph.schema.get_field(self.graph.composite(place.type_name), item.name)
        return str(definition.type).strip("[]!") if definition else place.type_name

    def types_below(self, name: str, place: Place) -> frozenset[str]:
        """The object types that a field can return here."""
        return frozenset[str]().union(*(self.graph.runtime_types(parent, name) for parent in place.types))

    def _explodes(self, node: Node) -> bool:
        return self.graph.is_abstract(node.type_name) and not self.graph.is_interface_object(node)

    def _may_explode(self, item: Field, place: Place, paths: list[Path]) -> bool:
        """Whether it may help to look for a field type by type; of an interface object that means to learn the type first."""
        if any(self._explodes(path.node) for path in paths):
            return True
        return item.name != TYPENAME and self.graph.is_abstract(place.type_name)

    def _below(self, selections: Selections, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        """Go on below a field: in one piece where the subgraphs reached can answer all of it."""
        local = [
            path.rest(rest)
            for path in paths
            if (rest := self.locality.of(path.node, place.types, selections)) is not None
        ]
        if local and min(path.cost for path in local) == min(path.cost for path in paths):
            yield Leaf(tuple(local))
            return
        found = list(self.leaves(selections, place, paths))
        yield from found
        if not found or _comes_later(selections):
            # None of the types asked for can be here, or not yet, but the object itself still has to be fetched.
            yield Leaf(tuple(path.rest((TYPENAME_FIELD,)) for path in paths))

    def _options(self, item: Field, place: Place, paths: list[Path]) -> list[Path]:
        direct = [(origin, self._direct(origin, item, place)) for origin in paths]
        found = [path for _, path in direct if path is not None]
        if not found or (item.selections and not self._is_local(found, item, place)):
            origins = paths
        else:  # a hop may still be free, if others make it too, from where it's no further than the direct way
            least = min(path.cost for path in found)
            origins = [origin for origin, path in direct if path is None and origin.cost <= least]
        found += [path for origin in origins for path in self._indirect(origin, item, place)]
        return cheapest(found)

    def _is_local(self, found: list[Path], item: Field, place: Place) -> bool:
        types = self.types_below(item.name, place)
        return any(self.locality.of(path.node, types, item.selections) is not None for path in found)

    def _direct(self, path: Path, item: Field, place: Place) -> Path | None:
        self.count()
        if path.closed and not self._is_at_hand(path.node, item) and self._can_return(path, item, place):
            return None
        move = self.locality.move(path.node, place.types, item.name)
        return path.take(item, move) if move else self._handed_before(path, item, place)

    def _is_at_hand(self, node: Node, item: Field) -> bool:
        """Whether a field is one that hops from here need anyway."""
        return not item.selections and (item.name == TYPENAME_FIELD.name or self.graph.is_key(node, item.name))

    def _can_return(self, path: Path, item: Field, place: Place) -> bool:
        """Whether the same subgraph can be asked for a field by another fetch."""
        return any(
            self.hop(path, place, entry, move) is not None
            for entry in self._entries(path, path.node.graph, place)
            if (move := self._move_after(entry, path, item, place)) is not None
        )

    def _handed_before(self, path: Path, item: Field, place: Place) -> Path | None:
        """Take a field whose contexts are set further up than this path's last hop: the hop can bring their values along."""
        move = self.locality.move(path.node, place.types, item.name, with_requires=True)
        if move is None or move.requires or not move.contexts:
            return None
        before = path.before_last_hop()
        ancestors = list(path.ancestors())
        nearer = ancestors[: len(ancestors) - len(list(before.ancestors()))] if before else []
        contexts = [argument.context for argument in move.contexts]
        if before is None or any(
            self.graph.sets_context(one.node.type_name, name) for one in nearer for name in contexts
        ):
            return None
        handed = self.hand(before, path.node, move)
        return path.handing(handed).take(self.graph.field_with_contexts(path.node, item), move) if handed else None

    def _indirect(self, path: Path, item: Field, place: Place) -> Iterator[Path]:
        for graph in self.graph.graphs:
            found = [
                hopped.take(self.graph.field_with_contexts(hopped.node, item), move)
                for entry in self._entries(path, graph, place)
                if (move := self._move_after(entry, path, item, place)) is not None
                if (hopped := self.hop(path, place, entry, move)) is not None
            ]
            if found:
                yield min(found, key=lambda candidate: candidate.cost)

    def _entries(self, path: Path, graph: str, place: Place) -> tuple[EntryMove, ...]:
        own = self.graph.entries(path.node.type_name, graph)
        if own or not self._explodes(path.node):
            return own
        types = place.types & self.graph.possible(path.node.type_name, path.node.graph)
        return self.graph.shared_entries(path.node.type_name, graph, types)

    def _move_after(self, entry: EntryMove, path: Path, item: Field, place: Place) -> FieldMove | None:
        """The field as it can be taken after a hop; a hop back only makes sense for what has requirements."""
        self.count()
        if isinstance(entry, RootMove) and not path.position:
            return None
        move = self.locality.move(entry.target, place.types, item.name, with_requires=True)
        if move is None or path.closed:
            return move
        if entry.target.graph == path.node.graph and not (move.requires or move.contexts):
            return None
        return move

    def hop(self, path: Path, place: Place, entry: EntryMove, move: FieldMove | None = None) -> Path | None:
        """Go into a subgraph, if what that needs can be fetched, and what the field sought needs there."""
        if isinstance(entry, RootMove):
            return path.hop(entry, (), NOTHING_NEEDED)
        requires = move.requires if move else ()
        handed = self.hand(path, entry.target, move) if move and move.contexts else ()
        solution = self.solve(path, place, entry, requires) if handed is not None else None
        return path.hop(entry, requires, solution, handed or ()) if solution else None

    def _deferred(self, item: Fragment, deferral: Deferral, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        """Go on later; if no hops lead to all that is asked for, what can be asked for on the way is."""
        again = list(self._once_more(deferral, paths))
        try:
            closed = [path.postpone(deferral, closed=True) for path in paths]
            leaves = list(self.leaves(item.selections, place, cheapest([*closed, *again])))
        except DeadEnd:
            opened = [path.postpone(deferral, closed=False) for path in paths]
            leaves = list(self.leaves(item.selections, place, cheapest([*opened, *again])))
        yield from leaves

    def _once_more(self, deferral: Deferral, paths: list[Path]) -> Iterator[Path]:
        """Ways to ask for what is no entity: by the fetch that leads to it, if that isn't made anyway.

        Once is enough: what is deferred within what is fetched once more comes along with it.
        """
        for path in paths:
            if (
                not path.again
                and not self.graph.entries(path.node.type_name, path.node.graph)
                and path.may_be_repeated(self.graph.query)
            ):
                found = path.once_more(deferral)
                if found is not None:
                    yield found

    def _fragment(self, item: Fragment, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        if item.deferral is not None:
            yield from self._deferred(item, item.deferral, place, paths)
            return
        types = place.types & self.graph.all_possible(item.on)
        if not types:
            with suppress(DeadEnd):  # if nobody can tell, the types agreed on have to do
                yield from self._real_type(place, paths)
            return
        if self.graph.is_abstract(item.on):
            yield from self._abstract_fragment(item, place, types, paths)
            return
        narrowed = cheapest(found for path in paths for found in self._narrowings(path, item.on, place))
        if not narrowed:
            return
        yield from self._real_type(place, paths)
        yield from self.leaves(item.selections, Place(item.on, types), narrowed)

    def _real_type(self, place: Place, paths: list[Path]) -> Iterator[Leaf]:
        """Where an object may come from a subgraph that does not know what it is, a condition has to be told."""
        if any(self.graph.is_interface_object(path.node) for path in paths):
            yield from self._field(TYPENAME_FIELD, place, paths)

    def _abstract_fragment(
        self, item: Fragment, place: Place, types: frozenset[str], paths: list[Path]
    ) -> Iterator[Leaf]:
        if not self.graph.is_abstract(place.type_name):
            yield from self.leaves(item.selections, place, paths)
        elif all(self.locality.has_word_for(item.on, path.node, place.types) for path in paths):
            narrowed = [path.narrow(self.graph.narrowed(path.node, item.on)) for path in paths]
            yield from self.leaves(item.selections, Place(item.on, types), narrowed)
        else:
            for name in sorted(types):
                yield from self._fragment(Fragment(name, item.selections), place, paths)

    def _narrowings(self, path: Path, type_name: str, place: Place) -> Iterator[Path]:
        """The ways to be sure of a type: to narrow here, to be there already, or to ask who knows the real interface."""
        node = path.node
        if node.type_name == type_name:
            yield path
        elif self.graph.is_interface_object(node):
            told = list(self._told(path, type_name, place))
            if not (place.apart and told):  # whatever it is, its fields can be asked for
                yield path
            yield from told
        elif type_name in self.graph.possible(node.type_name, node.graph):
            yield path.narrow(self.graph.narrowed(node, type_name))

    def _told(self, path: Path, type_name: str, place: Place) -> Iterator[Path]:
        for graph in self.graph.graphs:
            for entry in self.graph.entries(path.node.type_name, graph):
                if self._knows(entry.target, type_name) and (hopped := self.hop(path, place, entry)):
                    yield hopped.narrow(self.graph.narrowed(entry.target, type_name))

    def _knows(self, node: Node, type_name: str) -> bool:
        return not self.graph.is_interface_object(node) and type_name in self.graph.possible(node.type_name, node.graph)


def _comes_later(selections: Selections) -> bool:
    """Whether all that is asked for is deferred."""
    return all(
        isinstance(item, Fragment) and (item.deferral is not None or _comes_later(item.selections))
        for item in selections
    )


def cheapest(paths: Iterable[Path]) -> list[Path]:
    """Keep for each node the cheapest paths to it, in the order found."""
    found: dict[tuple[Node, bool, Path | None], list[Path]] = {}
    for path in paths:
        key = (path.node, path.again, path.anchor)
        known = found.get(key)
        if known is None or path.cost < known[0].cost:
            found[key] = [path]
        elif path.cost == known[0].cost and len(known) < _TIES:
            known.append(path)
    return [path for kept in found.values() for path in kept]
