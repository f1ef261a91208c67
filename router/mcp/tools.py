"""Registered operations as tools: each named operation of a document is one, with its fragments and nothing else.

query                       a tool that reads
mutation, all of whose      a tool that writes: it can be tried before it is done, because every command of it
commands know `dryRun`      takes its input from a variable in which the endpoint may say so
anything else               no tool; `left_out` says why
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    parse,
    print_ast,
    separate_operations,
    validate,
)

from router.mcp import arguments

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_TOKENS: Final = 15_000
_NAMELESS: Final = "an operation without a name"


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation that an assistant may call."""

    name: str
    description: str
    text: str
    arguments: dict[str, Any]
    roots: tuple[str, ...]
    """The fields of Query or Mutation that it asks for, as coordinates."""
    commands: frozenset[str] = frozenset()
    """The variables in which a command can be told to be only tried; none where it only reads."""

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return bool(self.commands)


@dataclass(frozen=True, slots=True)
class Toolbox:
    """All tools over one schema, and what is none."""

    tools: tuple[Tool, ...]
    left_out: tuple[str, ...]

    def find(self, name: str) -> Tool | None:
        """Return the tool of this name."""
        return next((tool for tool in self.tools if tool.name == name), None)


def toolbox(texts: Iterable[str], schema: GraphQLSchema) -> Toolbox:
    """Make tools of documents; of two with one name, the first counts."""
    found: dict[str, Tool] = {}
    left_out = []
    for text in dict.fromkeys(one.strip() for one in texts):
        for one in _of_document(text, schema):
            if isinstance(one, str):
                left_out.append(one)
            elif one.name not in found:
                found[one.name] = one
            elif found[one.name].text != one.text:
                left_out.append(f"{one.name}: another operation has this name.")
    return Toolbox(tuple(found.values()), tuple(left_out))


def _of_document(text: str, schema: GraphQLSchema) -> Iterator[Tool | str]:
    try:
        document = parse(text, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError) as fault:
        yield f"{text[:40]!r} can't be read: {getattr(fault, 'message', 'it is too deep')}"
        return
    for name, alone in separate_operations(document).items():
        wrong = validate(schema, alone, max_errors=1)
        yield f"{name or _NAMELESS}: {wrong[0].message}" if wrong else _tool(alone, text, schema)


def _tool(document: DocumentNode, source: str, schema: GraphQLSchema) -> Tool | str:
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    name = operation.name.value if operation.name else ""
    if not _NAME.fullmatch(name):
        return f"{name or _NAMELESS}: a tool needs a name of up to 64 characters."
    if operation.operation is OperationType.SUBSCRIPTION:
        return f"{name}: a subscription has no one answer."
    roots = list(_fields(operation.selection_set, document))
    commands: frozenset[str] = frozenset()
    if operation.operation is OperationType.MUTATION:
        triable = arguments.says(schema, operation, "dryRun")
        commands = frozenset(_inputs(roots))
        if len(roots) != len(list(_inputs(roots))) or not commands <= triable:
            return f"{name}: not every command of it can be tried first (an `input` of a variable, with `dryRun`)."
    parent = schema.get_root_type(operation.operation)
    coordinates = tuple(dict.fromkeys(f"{parent.name}.{one.name.value}" for one in roots)) if parent else ()
    described = _comment(operation, source) or _of_root(parent, roots[0])
    return Tool(name, described, print_ast(document), arguments.schema_of(operation, schema), coordinates, commands)


def _fields(selections: SelectionSetNode, document: DocumentNode) -> Iterator[FieldNode]:
    """Give what is asked of the root, also through fragments."""
    fragments = {one.name.value: one for one in document.definitions if one.kind == "fragment_definition"}  # type: ignore[attr-defined]
    for selection in selections.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode(selection_set=inner):
                yield from _fields(inner, document)
            case FragmentSpreadNode(name=name):
                yield from _fields(fragments[name.value].selection_set, document)  # type: ignore[attr-defined]


def _inputs(roots: Iterable[FieldNode]) -> Iterator[str]:
    for root in roots:
        for argument in root.arguments or ():
            if argument.name.value == "input" and isinstance(argument.value, VariableNode):
                yield argument.value.name.value


def _comment(operation: OperationDefinitionNode, source: str) -> str:
    """Return what stands as a comment right above an operation."""
    if operation.loc is None:
        return ""
    lines = source[: operation.loc.start].splitlines()
    said: list[str] = []
    while lines and lines[-1].lstrip().startswith("#"):
        said.insert(0, lines.pop().lstrip().lstrip("#").strip())
    return " ".join(said).strip()


def _of_root(parent: GraphQLObjectType | None, root: FieldNode) -> str:
    field = parent.fields.get(root.name.value) if parent else None
    return (field.description or "") if field else ""
