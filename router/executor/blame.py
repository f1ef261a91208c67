"""Names the place where the client misses something after a fetch brought nothing, and what a fetch was to bring.

A fetch asks for what the client wants and for keys that only we want. The place to name is the first response key, in
the client's order, that stands in the client's operation and in the fetch's. Only failures and overlaps come here, so
it reads the fetch's operation again instead of having the answer ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from router.executor.errors import ResponsePath
from router.executor.operation import Operation
from router.planner.query_plan import Fetch

Fragments = dict[str, FragmentDefinitionNode]


def first_missing(node: Fetch, at: ResponsePath, operation: Operation) -> ResponsePath | None:
    """Return the response path of the first field that the client asked for and this fetch was to bring to `at`."""
    keys = asked(node, operation)
    for key in _wanted(operation, at):
        if key in keys:
            return (*at, key)
    return at or None


def asked(node: Fetch, operation: Operation) -> frozenset[str]:
    """Return the response keys that a fetch asks for at its own place."""
    if node.operation not in operation.asked:
        operation.asked[node.operation] = _asked(node)
    return operation.asked[node.operation]


def _asked(node: Fetch) -> frozenset[str]:
    document = parse(node.operation, no_location=True)
    fragments = _fragments(document)
    selections: Iterable[FieldNode] = _fields(_operation(document).selection_set, fragments)
    if node.requires:
        selections = _below(selections, "_entities", fragments)
    real = {change.from_key: change.to_key for change in node.output_rewrites}
    return frozenset(real.get(_key(field), _key(field)) for field in selections)


def _wanted(operation: Operation, at: ResponsePath) -> list[str]:
    fragments = _fragments(operation.document)
    fields = list(_fields(operation.definition.selection_set, fragments))
    for step in at:
        if isinstance(step, str):
            fields = _below(fields, step, fragments)
    return [_key(field) for field in fields]


def _below(fields: Iterable[FieldNode], key: str, fragments: Fragments) -> list[FieldNode]:
    matching = (field.selection_set for field in fields if _key(field) == key)
    return [inner for selection_set in matching if selection_set for inner in _fields(selection_set, fragments)]


def _fields(selection_set: SelectionSetNode, fragments: Fragments) -> Iterator[FieldNode]:
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from _fields(selection.selection_set, fragments)
            case FragmentSpreadNode():
                yield from _fields(fragments[selection.name.value].selection_set, fragments)


def _key(field: FieldNode) -> str:
    return (field.alias or field.name).value


def _fragments(document: DocumentNode) -> Fragments:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
