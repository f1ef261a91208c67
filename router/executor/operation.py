"""One operation of one document, ready to be executed any number of times: its plan and the shape of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

from router.executor.asked import Text, text_of
from router.executor.part_projection import PartProjection
from router.executor.projection import Projection
from router.executor.spending import Demand
from router.planner.cost import CostPlan
from router.planner.query_plan import Condition, Defer, Fetch, PlanNode, QueryPlan


@dataclass(frozen=True, slots=True)
class Operation:
    """A valid operation; `schema` is the API schema against which it was validated."""

    schema: GraphQLSchema
    document: DocumentNode
    definition: OperationDefinitionNode
    plan: QueryPlan
    projection: Projection
    digest: str | None = None
    """What names the document in logs."""
    demand: Demand = field(default_factory=Demand)
    """What its plan takes at least."""
    parts: PartProjection | None = None
    """How it is answered part by part, if the plan has parts that come later."""
    programs: dict[tuple[bool, ...], Any] = field(default_factory=dict)
    """Its plan in the fast form, by what is switched on: `router.executor.compiled` remembers it here."""
    measured: tuple[str, ...] = ()
    """Limits of the server that it exceeds, and that only measure."""
    texts: dict[str, Text] = field(default_factory=dict)
    """What the fetches ask for, by their operations; each is read once."""
    errors: tuple[dict[str, Any], ...] = ()
    """What every answer begins with: parts that this shape of callers does not get."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    cost: CostPlan | None = None
    """What it costs, where somebody wants to know."""
    withheld: tuple[tuple[str, ...], ...] = ()
    """The places of these parts, for the log."""
    text: str = ""
    """The document as it came, for whoever has to prepare it again."""

    @staticmethod
    def of(
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        plan: QueryPlan,
        digest: str | None = None,
    ) -> Operation:
        """Prepare everything that doesn't depend on a request."""
        projection = Projection(schema, document, definition)
        parts = PartProjection(schema, document, definition) if has_parts(plan.node) else None
        return Operation(schema, document, definition, plan, projection, digest, Demand.of(plan), parts)

    @property
    def kind(self) -> str:
        """`query`, `mutation` or `subscription`."""
        return self.definition.operation.value

    @property
    def name(self) -> str | None:
        """The name that the client gave to the operation."""
        return self.definition.name.value if self.definition.name else None

    def text_of(self, node: Fetch) -> Text:
        """What a fetch asks for."""
        known = self.texts.get(node.operation)
        if known is None:
            known = self.texts[node.operation] = text_of(node)
        return known


def has_parts(node: PlanNode | None) -> bool:
    """Tell whether a plan has parts that come later, under some condition at least."""
    match node:
        case Defer():
            return True
        case Condition():
            return has_parts(node.if_clause) or has_parts(node.else_clause)
        case _:
            return False
