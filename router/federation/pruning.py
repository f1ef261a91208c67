"""Cuts parts out of a schema document: directives that no longer mean anything, elements that must not be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    REMOVE,
    ConstDirectiveNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    NamedTypeNode,
    Node,
    TypeDefinitionNode,
    Visitor,
    VisitorAction,
)

Hideable = TypeDefinitionNode | FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode


def _keep_all(_: object) -> bool:
    return False


class Pruning(Visitor):
    """A visitor that removes applied directives by name, and elements (with all that refers to them) by rule."""

    def __init__(
        self,
        *,
        drop_directive: Callable[[str], bool] = _keep_all,
        hide: Callable[[Hideable], bool] = _keep_all,
        hidden_types: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self._drop_directive = drop_directive
        self._hide = hide
        self._hidden_types = hidden_types

    def enter(self, node: Node, *_: Any) -> VisitorAction:
        """Decide about one node on the way down."""
        match node:
            case ConstDirectiveNode() if self._drop_directive(node.name.value):
                return REMOVE
            case NamedTypeNode() if node.name.value in self._hidden_types:
                return REMOVE  # of an `implements` or a union: whatever has it as its own type is hidden below
            case FieldDefinitionNode() | InputValueDefinitionNode() if self._is_of_hidden_type(node):
                return REMOVE
            case TypeDefinitionNode() | FieldDefinitionNode() | InputValueDefinitionNode() | EnumValueDefinitionNode():
                return REMOVE if self._hide(node) else None
            case _:
                return None

    def _is_of_hidden_type(self, node: FieldDefinitionNode | InputValueDefinitionNode) -> bool:
        inner: Any = node.type
        while not isinstance(inner, NamedTypeNode):
            inner = inner.type
        return inner.name.value in self._hidden_types
