"""An operation in normal form: one selection without fragments' names, literal conditions or doubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    print_ast,
)

from router.graph.selections import Field, Fragment, Reader, Selection, Selections
from router.planner.failures import PlanningFailed
from router.planner.query_plan import OperationKind


@dataclass(frozen=True, slots=True)
class Operation:
    """The operation that is planned; `variables` are the definitions as text, defaults included."""

    kind: OperationKind
    name: str | None
    root_type: str
    selections: Selections
    variables: Mapping[str, str]


def normalize(
    document: DocumentNode, operation_name: str | None, schema: GraphQLSchema, count: Callable[[], None] | None = None
) -> Operation:
    """Pick the operation and bring it into normal form; what the router answers itself is left out."""
    node = _pick(document, operation_name)
    kind: OperationKind = node.operation.value
    root = schema.get_root_type(node.operation)
    if root is None:
        raise PlanningFailed(f"The supergraph has no {kind} type.")
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    selections = Reader(schema, fragments, count).read(node.selection_set, root)
    return Operation(
        kind=kind,
        name=node.name.value if node.name else None,
        root_type=root.name,
        selections=tuple(item for item in selections if not _is_answered_at_home(item)),
        variables=MappingProxyType(
            {definition.variable.name.value: print_ast(definition) for definition in node.variable_definitions or ()}
        ),
    )


def _pick(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [node for node in operations if node.name and node.name.value == operation_name]
    if len(operations) != 1:
        raise PlanningFailed("The document does not have exactly one operation of that name.")
    return operations[0]


def _is_answered_at_home(item: Selection) -> bool:
    """Introspection and the root's `__typename` need no subgraph."""
    match item:
        case Field():
            return item.name.startswith("__")
        case Fragment():
            return False
