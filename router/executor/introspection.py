"""Answers `__schema` and `__type` at home: they are about the API schema, which no subgraph knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    VisitorAction,
    execute_sync,
    visit,
)

from router.executor.operation import Operation


def answer(operation: Operation, variables: Mapping[str, Any], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers to the operation's own meta fields by response key; empty when it has none."""
    asked = operation.projection.meta_fields(conditions)
    if not asked:
        return {}
    document = _only(asked, operation.document, operation.definition)
    result = execute_sync(operation.schema, document, variable_values=dict(variables))
    # Validated and coerced before: graphql-core has nothing left to refuse.
    return result.data or {}


def _only(asked: tuple[FieldNode, ...], document: DocumentNode, definition: OperationDefinitionNode) -> DocumentNode:
    alone = OperationDefinitionNode(
        operation=definition.operation,
        name=definition.name,
        variable_definitions=definition.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=asked),
    )
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    whole: DocumentNode = visit(DocumentNode(definitions=(alone, *fragments)), _AtOnce())
    return whole


class _AtOnce(Visitor):
    """What is at hand is answered at once, also where the client would wait for it."""

    def enter_directive(self, node: DirectiveNode, *_: Any) -> VisitorAction:
        return REMOVE if node.name.value == "defer" else None
