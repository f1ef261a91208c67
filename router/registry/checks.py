"""What a new supergraph would break of what clients really send.

    breaking changes ──► which seen operations use what changes ──► refuse, warn, or say nothing

A removed field that nobody asks for breaks nobody; one that a client sent yesterday does. An operation is touched by a change
when it uses the element that the change is about, or when it is not valid any more, for whatever reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLSyntaxError,
    NamedTypeNode,
    OperationDefinitionNode,
    get_named_type,
    parse,
    validate,
)
from graphql.language import Visitor, visit
from graphql.utilities import TypeInfo, TypeInfoVisitor

from router.composition import difference
from router.composition.difference import Change, Level
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.registry.usage import Seen

_MOST_NAMED: Final = 5
_ARGUMENT: Final = re.compile(r"(?P<field>.+)\((?P<name>\w+):\)$")
# What is added and must be given breaks whoever uses what it was added to.
_ADDED: Final = frozenset({"ARG_REQUIRED_ADDED"})


@dataclass(frozen=True, slots=True)
class Broken:
    """A change, and the operations that would feel it."""

    change: Change
    operations: tuple[Seen, ...]

    @property
    def message(self) -> str:
        """Say it in a sentence."""
        named = "; ".join(_described(one) for one in self.operations[:_MOST_NAMED])
        more = len(self.operations) - _MOST_NAMED
        return f"{self.change.message} Used by {named}{f', and {more} more' if more > 0 else ''}."


@dataclass(frozen=True, slots=True)
class Check:
    """How one supergraph differs from the one before it, and whom that hurts."""

    changes: tuple[Change, ...] = ()
    broken: tuple[Broken, ...] = ()


def check(old_sdl: str, new_sdl: str, operations: Sequence[Seen]) -> Check:
    """Compare two supergraphs; raises `InvalidSupergraph`."""
    old, new = Supergraph.parse(old_sdl), Supergraph.parse(new_sdl)
    changes = difference.between(old, new)
    breaking = [change for change in changes if change.level is Level.BREAKING]
    if not breaking or not operations:
        return Check(changes)
    return Check(changes, tuple(_broken(breaking, api_schema(old), api_schema(new), operations)))


def _broken(
    breaking: list[Change], old: GraphQLSchema, new: GraphQLSchema, operations: Sequence[Seen]
) -> Iterable[Broken]:
    documents = [(seen, document) for seen in operations if (document := _valid(old, seen.text)) is not None]
    uses = [(seen, document, Uses.of(old, document)) for seen, document in documents]
    told: set[int] = set()
    for change in breaking:
        touched = [seen for seen, _, used in uses if used.touched_by(change)]
        told.update(map(id, touched))
        if touched:
            yield Broken(change, tuple(touched))
    for seen, document, _ in uses:
        if id(seen) not in told and (errors := validate(new, document, max_errors=1)):
            change = Change(Level.BREAKING, "OPERATION_INVALID", "", f"An operation is not valid: {errors[0].message}")
            yield Broken(change, (seen,))


def _valid(schema: GraphQLSchema, text: str) -> DocumentNode | None:
    """Return an operation of the schema as it is; those of earlier ones broke already."""
    try:
        document = parse(text)
    except GraphQLSyntaxError:
        return None
    return None if validate(schema, document, max_errors=1) else document


@dataclass(frozen=True, slots=True)
class Uses:
    """What of a schema one document uses: coordinates, output types, whole input types, and the kinds of operations."""

    elements: frozenset[str]
    inputs: frozenset[str]
    kinds: frozenset[str]

    @staticmethod
    def of(schema: GraphQLSchema, document: DocumentNode) -> Uses:
        """Walk through a valid document once."""
        info, found = TypeInfo(schema), _Uses(schema)
        found.info = info
        visit(document, TypeInfoVisitor(info, found))
        return Uses(frozenset(found.elements), frozenset(found.inputs), frozenset(found.kinds))

    def touched_by(self, change: Change) -> bool:
        """Tell whether a breaking change is about something that is used."""
        coordinate = change.coordinate
        argument = _ARGUMENT.match(coordinate)
        if argument is not None:
            return coordinate in self.elements or (change.code in _ADDED and argument["field"] in self.elements)
        parent = coordinate.partition(".")[0]
        return coordinate in self.elements | self.inputs | self.kinds or parent in self.inputs


class _Uses(Visitor):
    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._schema = schema
        self.info: TypeInfo
        self.elements: set[str] = set()
        self.inputs: set[str] = set()
        self.kinds: set[str] = set()
        self._at = ""  # the field whose arguments come next

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self.kinds.add(node.operation.value)

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, output = self.info.get_parent_type(), self.info.get_type()
        if parent is not None:
            self._at = f"{parent.name}.{node.name.value}"
            self.elements.update((parent.name, self._at))
        if output is not None:
            self.elements.add(get_named_type(output).name)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        if self.info.get_directive() is None:
            self.elements.add(f"{self._at}({node.name.value}:)")
        given = self.info.get_input_type()
        if given is not None:
            self._input(get_named_type(given))

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.elements.add(f"@{node.name.value}")

    def enter_named_type(self, node: NamedTypeNode, *_: Any) -> None:
        """A condition's type, or a variable's."""
        self.elements.add(node.name.value)
        named = self._schema.get_type(node.name.value)
        if named is not None:
            self._input(named)

    def _input(self, named: GraphQLNamedType) -> None:
        """Whatever may stand in a variable of this type may have been sent, all the way down."""
        if named.name in self.inputs or not isinstance(named, GraphQLEnumType | GraphQLInputObjectType):
            return
        self.inputs.add(named.name)
        if isinstance(named, GraphQLInputObjectType):
            for field in named.fields.values():
                self._input(get_named_type(field.type))


def _described(seen: Seen) -> str:
    when = datetime.fromtimestamp(seen.last_seen, UTC).isoformat(timespec="seconds")
    clients = ", ".join(sorted(seen.clients))
    return f"{seen.kind} {seen.name or seen.digest[:12]} ({clients}; last seen {when})"
