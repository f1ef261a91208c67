"""An operation in normal form: one selection without fragments' names, literal conditions or doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    print_ast,
)

from router.graph.selections import Defers, Field, Fragment, Reader, Selection, Selections, never
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
    asked: Selections = ()
    """The selections before anything was left out."""


def normalize(
    document: DocumentNode,
    operation_name: str | None,
    schema: GraphQLSchema,
    count: Callable[[], None] | None = None,
    defers: Defers = never,
) -> Operation:
    """Pick the operation and bring it into normal form; what the router answers itself is left out."""
    node = pick(document, operation_name)
    kind: OperationKind = node.operation.value
    root = schema.get_root_type(node.operation)
    if root is None:
        raise PlanningFailed(f"The supergraph has no {kind} type.")
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    # What an event brings is answered as a whole.
    reader = Reader(schema, fragments, count, never if kind == "subscription" else defers)
    selections = reader.read(node.selection_set, root)
    return Operation(
        kind=kind,
        name=node.name.value if node.name else None,
        root_type=root.name,
        selections=tuple(_fetched(selections)),
        variables=MappingProxyType(
            {definition.variable.name.value: print_ast(definition) for definition in node.variable_definitions or ()}
        ),
        asked=selections,
    )


def pick(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    """The operation of that name, or the only one."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [node for node in operations if node.name and node.name.value == operation_name]
    if len(operations) != 1:
        raise PlanningFailed("The document does not have exactly one operation of that name.")
    return operations[0]


def _fetched(selections: Selections) -> Iterator[Selection]:
    """The root's selections without introspection and `__typename`, which need no subgraph."""
    for item in selections:
        match item:
            case Field() if not item.name.startswith("__"):
                yield item
            case Fragment() if inner := tuple(_fetched(item.selections)):
                yield replace(item, selections=inner)
