"""The fetches of an operation as the plan's nodes: those of the primary part, and those of each part that comes later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from router.graph.selections import Deferral
from router.planner.defer import Section
from router.planner.fetch_graph import FetchGraph, FetchStep
from router.planner.query_plan import Defer, DeferredNode, PlanNode
from router.planner.render import Renderer
from router.planner.schedule import parallel, schedule, sequence


@dataclass(slots=True)
class Delivery:
    """Puts together one plan; `graphs` run one after the other in the primary part (the root fields of a mutation)."""

    renderer: Renderer
    graphs: Sequence[FetchGraph]
    sections: Sequence[Section]
    _ids: dict[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        waited_for = [
            (number, need)
            for number, graph in enumerate(self.graphs)
            for step in graph
            for need in self._needs_of_others(step, graph)
        ]
        self._ids = {place: str(index) for index, place in enumerate(sorted(set(waited_for)))}

    @staticmethod
    def _needs_of_others(step: FetchStep, graph: FetchGraph) -> Iterator[int]:
        """What a fetch waits for that belongs to another part."""
        yield from (other.id for other in graph if other.id in step.needs and other.deferral != step.deferral)

    def node(self) -> PlanNode | None:
        """The whole plan."""
        primary, *_ = self.sections
        return self._part(primary, sequence(self._nodes(None)))

    def _nodes(self, deferral: Deferral | None) -> Iterator[PlanNode | None]:
        for number, graph in enumerate(self.graphs):
            own = tuple(step for step in graph if step.deferral == deferral)

            def render(step: FetchStep, number: int = number) -> PlanNode:
                return self.renderer.render(step, self._ids.get((number, step.id)))

            yield schedule(own, render)

    def _part(self, section: Section, node: PlanNode | None) -> PlanNode | None:
        """A part with all that stands in it; one in which nothing stands is just its own node."""
        inner = tuple(self._deferred(one) for one in self.sections if one.deferral and _stands_in(one, section))
        return Defer(node, inner, section.text) if inner else node

    def _deferred(self, section: Section) -> DeferredNode:
        deferral = section.deferral
        if deferral is None:
            raise TypeError(section)
        node = self._part(section, parallel(self._nodes(deferral)))
        text = None if isinstance(node, Defer) else section.text
        return DeferredNode(deferral.path, deferral.label, self._depends(deferral), node, text, deferral)

    def _depends(self, deferral: Deferral) -> tuple[str, ...]:
        places = sorted(
            (number, need)
            for number, graph in enumerate(self.graphs)
            for step in graph
            if step.deferral == deferral
            for need in self._needs_of_others(step, graph)
        )
        return tuple(dict.fromkeys(self._ids[place] for place in places))


def _stands_in(section: Section, other: Section) -> bool:
    return section.deferral is not None and section.deferral.parent == other.deferral
