"""Read field sets like `id org { id }`: the selections inside of @key, @requires, @provides and @fromContext."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    print_ast,
)
from graphql import parse as parse_document

from router.federation.elements import Value, printed_arguments, value_of


@dataclass(frozen=True, slots=True)
class SelectedField:
    """A field of a field set, with what is selected below it."""

    name: str
    selections: tuple[Selection, ...] = ()
    arguments: tuple[tuple[str, Value], ...] = ()
    alias: str | None = None
    # As they are written; only used to refuse them.
    directives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """An inline fragment of a field set; `on` is absent when it only groups."""

    on: str | None
    selections: tuple[Selection, ...]
    directives: tuple[str, ...] = ()


Selection: TypeAlias = SelectedField | Fragment
FieldSet: TypeAlias = tuple[Selection, ...]


_EMPTY = re.compile(r"\{[\s,]*\}")


class FieldSetSyntaxError(ValueError):
    """The text is no field set; the message is the parser's."""


@lru_cache(maxsize=4096)
def parse_node(text: str) -> SelectionSetNode:
    """Parse a field set into a selection set of graphql-core; the outer braces may be left out.

    Raises:
        FieldSetSyntaxError: the text is no field set.
    """
    stripped = text.strip()
    # A set that brings its own braces is taken as it is: `{ id }` and `id` mean the same.
    source = stripped if stripped.startswith("{") else "{" + text + "}"
    if _EMPTY.search(source):
        raise FieldSetSyntaxError('Syntax Error: Expected Name, found "}".')
    try:
        document = parse_document(source, no_location=True)
    except (GraphQLSyntaxError, RecursionError) as error:
        raise FieldSetSyntaxError(syntax_message(error)) from None
    definition = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(definition, OperationDefinitionNode):
        count = len(document.definitions)
        raise FieldSetSyntaxError(f"Selections should contain a single definitions, found {count}")
    return definition.selection_set


def syntax_message(error: Exception) -> str:
    """The parser's message, quoted as everywhere else in GraphQL."""
    if isinstance(error, GraphQLSyntaxError):
        return error.message.replace("'", '"')
    return "Syntax Error: nested too deeply."


@lru_cache(maxsize=4096)
def parse(text: str) -> FieldSet:
    """Parse a field set into frozen selections.

    Raises:
        FieldSetSyntaxError: the text is no field set.
    """
    return _selections(parse_node(text))


def _selections(node: SelectionSetNode | None) -> FieldSet:
    return tuple(_selection(entry) for entry in node.selections) if node else ()


def _selection(node: SelectionNode) -> Selection:
    directives = tuple(print_ast(directive) for directive in node.directives or ())
    match node:
        case FieldNode():
            return SelectedField(
                name=node.name.value,
                selections=_selections(node.selection_set),
                arguments=tuple((argument.name.value, value_of(argument.value)) for argument in node.arguments or ()),
                alias=node.alias.value if node.alias else None,
                directives=directives,
            )
        case InlineFragmentNode():
            on = node.type_condition.name.value if node.type_condition else None
            return Fragment(on, _selections(node.selection_set), directives)
        case FragmentSpreadNode():
            raise FieldSetSyntaxError(f'Cannot find fragment name "{node.name.value}" (no fragments were provided)')
        case _:  # pragma: no cover - the grammar has no other selections
            raise TypeError(type(node).__name__)


def printed(selections: FieldSet) -> str:
    """The canonical text of a field set: one space between words, no outer braces."""
    return " ".join(_printed(selection) for selection in selections)


def _printed(selection: Selection) -> str:
    directives = "".join(f" {text}" for text in selection.directives)
    match selection:
        case SelectedField():
            alias = f"{selection.alias}: " if selection.alias else ""
            head = f"{alias}{selection.name}{printed_arguments(dict(selection.arguments))}{directives}"
        case Fragment():
            head = f"... on {selection.on}{directives}" if selection.on else f"...{directives}"
    return f"{head} {{ {printed(selection.selections)} }}" if selection.selections else head


def walk(selections: FieldSet) -> Iterator[Selection]:
    """Every selection, outer ones first."""
    for selection in selections:
        yield selection
        yield from walk(selection.selections)


def leaves(selections: FieldSet, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The response path of every leaf; fragments leave no trace."""
    for selection in selections:
        inner = prefix if isinstance(selection, Fragment) else (*prefix, selection.name)
        if selection.selections:
            yield from leaves(selection.selections, inner)
        elif isinstance(selection, SelectedField):
            yield inner


_CONTEXT = re.compile(r"\s*\$\s*([A-Za-z_]\w*)(?!\w)([\s\S]+)")


def context_selection(text: object) -> tuple[str, str] | None:
    """Take a `$context { selection }` apart; nothing, if it is none."""
    found = _CONTEXT.fullmatch(text) if isinstance(text, str) else None
    return (found[1], found[2]) if found and found[2] else None
