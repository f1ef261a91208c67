"""What a path is made of: the moves taken, each with what it cost, linked from the end to the start.

A *stage* is a round trip: what is fetched at stage 0 needs nothing, stage 1 waits for stage 0, and so on. The cost
of a fetch grows with its stage, because every stage makes the client wait, while fetches of one stage run together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from router.graph.edges import EntryMove, FieldMove, KeyMove
from router.graph.nodes import Node
from router.graph.selections import Deferral, Field, Selections

FETCH_COST = 1_000
STAGE_COST = 10_000
# What comes later may never cost anything of what comes first: all of it together weighs less than one fetch.
DEFERRED_FETCH_COST = 1
DEFERRED_STAGE_COST = 10
# To make a fetch once more, where there is no key to go on by, is the last resort.
REPEATED_COST = 100

Position = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Errand:
    """One fetch that a path needs: who is asked, about which place in the response, at which stage."""

    position: Position
    graph: str
    stage: int
    deferral: Deferral | None = None
    again: bool = False

    @property
    def cost(self) -> int:
        """What this fetch alone costs."""
        return stage_cost(self.stage, self.deferral) + REPEATED_COST * self.again

    def moved(self, position: Position, stage: int, deferral: Deferral | None) -> Errand:
        """The same errand, seen from where its path starts."""
        return Errand(position + self.position, self.graph, self.stage + stage, deferral, self.again)


def stage_cost(stage: int, deferral: Deferral | None) -> int:
    """What a fetch at a stage costs."""
    if deferral is None:
        return STAGE_COST * stage or FETCH_COST
    return DEFERRED_STAGE_COST * stage or DEFERRED_FETCH_COST


@dataclass(frozen=True, slots=True)
class Start:
    """Begin at a node whose fetch is already under way."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Begin with a root type of a subgraph, at once or later."""

    deferral: Deferral | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Ask for a field; its own selections are the steps that follow."""

    field: Field
    move: FieldMove


@dataclass(frozen=True, slots=True)
class Postpone:
    """Go on later: what follows is part of another answer."""

    deferral: Deferral


@dataclass(frozen=True, slots=True)
class Narrow:
    """Go on only with objects of a type."""

    on: str


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """Go on in another subgraph (or again in this one), after fetching what its key and `requires` need."""

    entry: EntryMove
    requires: Selections
    condition: Solution
    handed: tuple[Handed, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Handed:
    """A value that an ancestor hands down as an argument (`@fromContext`): who it is, and how the value is fetched there.

    `up` counts the fields between.
    """

    variable: str
    type: str
    up: int
    ancestor: Path
    selections: Selections
    condition: Solution

    @property
    def identity(self) -> tuple[str, int, Node]:
        """Values of the same identity are the same value."""
        return (self.variable, self.up, self.ancestor.node)

    @property
    def stage(self) -> int:
        """The stage after which the value is there."""
        return self.ancestor.stage + self.condition.stage

    def errands(self, deferral: Deferral | None) -> Iterator[Errand]:
        """The fetches that the value needs besides those that led to the ancestor."""
        ancestor = self.ancestor
        return (errand.moved(ancestor.position, ancestor.stage, deferral) for errand in self.condition.errands)


@dataclass(frozen=True, slots=True)
class Rest:
    """Ask for all that is left: the subgraph can answer it as it stands."""

    selections: Selections


Step = Start | Enter | Take | Narrow | Postpone | Hop | Rest


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A way from a start to a node.

    A path that is `closed` stands where something deferred begins: what follows is not to be asked for in the fetch that led
    there, but after another hop. One that goes `again` makes its last fetch once more, for what is deferred. The `anchor` is where
    it left what comes first: for a deferred path, that is what decides what it costs others.
    """

    parent: Path | None
    step: Step
    node: Node
    position: Position = ()
    stage: int = 0
    cost: int = 0
    deferral: Deferral | None = None
    closed: bool = False
    again: bool = False
    anchor: Path | None = None

    def steps(self) -> list[tuple[Step, Node]]:
        """All steps from the start on, each with the node it leads to."""
        found: list[tuple[Step, Node]] = []
        here: Path | None = self
        while here is not None:
            found.append((here.step, here.node))
            here = here.parent
        return found[::-1]

    def errands(self) -> Iterator[Errand]:
        """All fetches that this path needs."""
        here: Path | None = self
        while here is not None:
            match here.step:
                case Enter():
                    yield Errand(here.position, here.node.graph, 0, here.deferral, here.again)
                case Hop(condition=condition, handed=handed):
                    before, deferral = here.parent.stage if here.parent else 0, here.deferral
                    yield Errand(here.position, here.node.graph, here.stage, deferral, here.is_repeated)
                    yield from (errand.moved(here.position, before, deferral) for errand in condition.errands)
                    yield from (errand for one in handed for errand in one.errands(deferral))
            here = here.parent

    def ancestors(self) -> Iterator[Path]:
        """The places from which a field was taken on the way here, the nearest first."""
        here: Path | None = self
        while here is not None:
            if isinstance(here.step, Take) and here.parent is not None:
                yield here.parent
            here = here.parent

    def before_last_hop(self) -> Path | None:
        """The place from which the last hop was made; None if there was none by a key."""
        here: Path | None = self
        while here is not None:
            if isinstance(here.step, Hop):
                return here.parent if isinstance(here.step.entry, KeyMove) else None
            here = here.parent
        return None

    def handing(self, handed: tuple[Handed, ...]) -> Path:
        """The same path, but that its last hop brings along more of what ancestors hand down."""
        if self.parent is None:
            return self
        if isinstance(self.step, Hop):
            known = {one.identity: one for one in (*self.step.handed, *handed)}
            return self.parent.hop(self.step.entry, self.step.requires, self.step.condition, tuple(known.values()))
        parent = self.parent.handing(handed)
        return replace(self, parent=parent, stage=parent.stage, cost=parent.cost)

    def take(self, field: Field, move: FieldMove) -> Path:
        """Follow a field."""
        alone = replace(field, selections=()) if field.selections else field
        below = (*self.position, field.response_key)
        return self.then(Take(alone, move), node=move.target or self.node, position=below, closed=False)

    def narrow(self, node: Node) -> Path:
        """Follow a type condition."""
        return self.then(Narrow(node.type_name), node=node)

    def rest(self, selections: Selections) -> Path:
        """End here with everything that is left."""
        return self.then(Rest(selections))

    def postpone(self, deferral: Deferral, *, closed: bool) -> Path:
        """Go on later."""
        if isinstance(self.step, Enter):  # nothing was fetched yet: it is the whole fetch that comes later
            return Path(None, Enter(deferral), self.node, cost=stage_cost(0, deferral), deferral=deferral)
        return self.then(Postpone(deferral), deferral=deferral, closed=closed, anchor=self.anchor or self)

    @property
    def is_repeated(self) -> bool:
        """Whether the hop that leads here is one that is made once more."""
        return self.again and self.parent is not None and not self.parent.again

    def may_be_repeated(self, query: str) -> bool:
        """Whether the last fetch of this path changes nothing: it's by a key, or from the query type."""
        here: Path | None = self
        while here is not None:
            match here.step:
                case Hop():
                    return True
                case Enter():
                    return here.node.type_name == query
            here = here.parent
        return False

    def once_more(self, deferral: Deferral) -> Path | None:
        """The same way, but that its last fetch is made for what is deferred alone; None if it can't be.

        The fetch that it repeats is there too, in what it costs: it's never the first choice.
        """
        match self.step:
            case Enter():
                repeated = self.postpone(deferral, closed=False)
                return replace(repeated, again=True, cost=self.cost + REPEATED_COST)
            case Hop(entry=entry, requires=requires, condition=condition, handed=handed) if self.parent:
                repeated = self.parent.postpone(deferral, closed=False).hop(entry, requires, condition, handed)
                return replace(repeated, again=True, cost=self.cost + REPEATED_COST)
            case Postpone() if self.parent:
                return self.parent.once_more(deferral)
            case Take() | Narrow() if self.parent and (before_this := self.parent.once_more(deferral)):
                return before_this.then(self.step, node=self.node, position=self.position)
            case _:
                return None

    def then(self, step: Step, **changes: Any) -> Path:
        """Take a step."""
        return replace(self, parent=self, step=step, **changes)

    def hop(self, entry: EntryMove, requires: Selections, condition: Solution, handed: tuple[Handed, ...] = ()) -> Path:
        """Go into a subgraph."""
        stage = max([self.stage + condition.stage, *(one.stage for one in handed)]) + 1
        later = self.deferral
        cost = self.cost + stage_cost(stage, later)
        cost += sum(errand.moved((), self.stage, later).cost for errand in condition.errands)
        cost += sum(errand.cost for one in handed for errand in one.errands(later))
        step = Hop(entry, requires, condition, handed)
        return self.then(step, node=entry.target, stage=stage, cost=cost, closed=False)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """How a selection is fetched from one node: the path chosen for each leaf, and what they need together."""

    paths: tuple[Path, ...]
    errands: frozenset[Errand]

    @property
    def stage(self) -> int:
        """After how many further stages all of it is there."""
        return max((errand.stage for errand in self.errands), default=0)

    @property
    def cost(self) -> int:
        """What all its fetches cost."""
        return sum(errand.cost for errand in self.errands)


NOTHING_NEEDED = Solution((), frozenset())


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of the operation with the paths that reach it; one of them has to be taken."""

    alternatives: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk stands: a type, and the object types that are possible there.

    They are asked `apart` where one response key means different things for them.
    """

    type_name: str
    types: frozenset[str]
    apart: bool = False
