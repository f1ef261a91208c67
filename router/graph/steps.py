"""What a path is made of: the moves taken, each with what it cost, linked from the end to the start.

A *stage* is a round trip: what is fetched at stage 0 needs nothing, stage 1 waits for stage 0, and so on. The cost
of a fetch grows with its stage, because every stage makes the client wait, while fetches of one stage run together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from router.graph.edges import EntryMove, FieldMove, KeyMove
from router.graph.nodes import Node
from router.graph.selections import Field, Selections

FETCH_COST = 1_000
STAGE_COST = 10_000

Position = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Errand:
    """One fetch that a path needs: who is asked, about which place in the response, at which stage."""

    position: Position
    graph: str
    stage: int

    @property
    def cost(self) -> int:
        """What this fetch alone costs."""
        return STAGE_COST * self.stage or FETCH_COST

    def moved(self, position: Position, stage: int) -> Errand:
        """The same errand, seen from where its path starts."""
        return Errand(position + self.position, self.graph, self.stage + stage)


@dataclass(frozen=True, slots=True)
class Start:
    """Begin at a node whose fetch is already under way."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Begin with a root type of a subgraph."""


@dataclass(frozen=True, slots=True)
class Take:
    """Ask for a field; its own selections are the steps that follow."""

    field: Field
    move: FieldMove


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

    @property
    def errands(self) -> Iterator[Errand]:
        """The fetches that the value needs besides those that led to the ancestor."""
        return (errand.moved(self.ancestor.position, self.ancestor.stage) for errand in self.condition.errands)


@dataclass(frozen=True, slots=True)
class Rest:
    """Ask for all that is left: the subgraph can answer it as it stands."""

    selections: Selections


Step = Start | Enter | Take | Narrow | Hop | Rest


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A way from a start to a node."""

    parent: Path | None
    step: Step
    node: Node
    position: Position = ()
    stage: int = 0
    cost: int = 0

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
                    yield Errand(here.position, here.node.graph, 0)
                case Hop(condition=condition, handed=handed):
                    before = here.parent.stage if here.parent else 0
                    yield Errand(here.position, here.node.graph, here.stage)
                    yield from (errand.moved(here.position, before) for errand in condition.errands)
                    yield from (errand for one in handed for errand in one.errands)
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
        return Path(
            self,
            Take(alone, move),
            move.target or self.node,
            (*self.position, field.response_key),
            self.stage,
            self.cost,
        )

    def narrow(self, node: Node) -> Path:
        """Follow a type condition."""
        return Path(self, Narrow(node.type_name), node, self.position, self.stage, self.cost)

    def rest(self, selections: Selections) -> Path:
        """End here with everything that is left."""
        return Path(self, Rest(selections), self.node, self.position, self.stage, self.cost)

    def hop(self, entry: EntryMove, requires: Selections, condition: Solution, handed: tuple[Handed, ...] = ()) -> Path:
        """Go into a subgraph."""
        stage = max([self.stage + condition.stage, *(one.stage for one in handed)]) + 1
        cost = sum(errand.moved((), self.stage).cost for errand in condition.errands)
        cost += sum(errand.cost for one in handed for errand in one.errands)
        step = Hop(entry, requires, condition, handed)
        return Path(self, step, entry.target, self.position, stage, self.cost + cost + STAGE_COST * stage)


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
