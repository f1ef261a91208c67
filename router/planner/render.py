"""One fetch of the graph as a plan node: its text, where it belongs, and under which conditions it runs at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import count

from router.graph.build import QueryGraph
from router.graph.nodes import Node
from router.graph.selections import NO_GUARDS, Field, Guards, Selections, common_guards
from router.planner.fetch_graph import FetchStep
from router.planner.normalize import Operation
from router.planner.operations import Text, write
from router.planner.query_plan import (
    Condition,
    Fetch,
    Flatten,
    OperationKind,
    PlanNode,
    RequiresFragment,
    ValueSetter,
    representations_variable,
)
from router.planner.shares import Share


@dataclass(slots=True)
class Renderer:
    """Renders fetches of one operation, numbering them as they come."""

    graph: QueryGraph
    operation: Operation
    numbers: count[int]

    def render(self, step: FetchStep, id: str | None = None) -> PlanNode:  # noqa: A002 -- as it's called in plans
        """Turn a step into a node, with an id if something deferred waits for it."""
        guards = common_guards(step.output)
        node: PlanNode = replace(self.fetch(step, guards), id=id)
        if step.path:
            node = Flatten(step.path, node)
        for name, wanted in sorted(guards, reverse=True):
            node = Condition(name, if_clause=node) if wanted else Condition(name, else_clause=node)
        return node

    def fetch(self, step: FetchStep, guards: Guards = NO_GUARDS) -> Fetch:
        """Turn a step into a request; what holds for the whole of it need not be said in it."""
        name = self._operation_name(self.graph.supergraph.endpoint(step.graph).name)
        whole = self._fetch(step, Share(step.inputs, step.output, step.contexts), guards, name)
        if len(step.shares) < 2:
            return whole
        return replace(whole, parts=tuple(self._fetch(step, share, guards, name) for share in step.shares))

    def _fetch(self, step: FetchStep, share: Share, guards: Guards, operation_name: str | None) -> Fetch:
        root = self._root_type(step)
        text = write(self.graph, Node(root, step.graph), without_guards(share.output, guards))
        usages = tuple(sorted(text.variables - {item.variable for item in share.contexts}))
        kind: OperationKind = "query" if step.is_entity or step.path else self.operation.kind
        return Fetch(
            service_name=self.graph.supergraph.endpoint(step.graph).name,
            operation=self._operation_text(step, kind, operation_name, text, usages, share),
            operation_kind=kind,
            operation_name=operation_name,
            variable_usages=usages,
            requires=tuple(RequiresFragment(item.type_name, item.requires) for item in share.inputs),
            input_rewrites=tuple(
                ValueSetter((f"|[{item.type_name}]", "__typename"), item.sent_as)
                for item in share.inputs
                if item.sent_as
            ),
            output_rewrites=text.renames,
            context_rewrites=tuple(source for item in share.contexts for source in item.sources),
        )

    def _root_type(self, step: FetchStep) -> str:
        query = self.graph.schema.query_type
        return query.name if step.path and query else self.operation.root_type

    def _operation_name(self, service: str) -> str | None:
        number = next(self.numbers)
        if self.operation.name is None:
            return None
        return f"{self.operation.name}__{re.sub(r'[^0-9A-Za-z_]', '_', service)}__{number}"

    def _operation_text(
        self, step: FetchStep, kind: OperationKind, name: str | None, text: Text, usages: tuple[str, ...], share: Share
    ) -> str:
        definitions = [self.operation.variables[usage] for usage in usages if usage in self.operation.variables]
        definitions += [f"${item.variable}: {item.type}" for item in share.contexts]
        selection = text.selection
        if step.is_entity:
            variable = representations_variable(usages)
            definitions.insert(0, f"${variable}: [_Any!]!")
            selection = f"{{ _entities(representations: ${variable}) {selection} }}"
        head = f"{kind} {name}" if name else kind
        variables = f"({', '.join(definitions)})" if definitions else ""
        return selection if head == "query" and not variables else f"{head}{variables} {selection}"


def without_guards(selections: Selections, guards: Guards) -> Selections:
    """The selections for when the guards are known to hold."""
    if not guards:
        return selections
    return tuple(
        replace(item, guards=item.guards - guards)
        if isinstance(item, Field)
        else replace(item, selections=without_guards(item.selections, guards))
        for item in selections
    )
