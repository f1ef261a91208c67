"""Types, fields and directives of one schema, each with the place it came from; both subgraphs and supergraphs are made of these.

A type reference is kept as the text of GraphQL (`[Ticket!]!`): it compares, hashes and prints by itself, and the few
questions that are asked of it are answered by the functions below. A value is a Python value; enum values are `Name`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    ConstDirectiveNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from graphql import (
    Node as AstNode,
)

from router.federation.codes import Node

TypeRef: TypeAlias = str


@dataclass(frozen=True, slots=True)
class Name:
    """An enum value as it is written in SDL."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable where a constant belongs; kept so that it can be reported."""

    name: str


Value: TypeAlias = "str | int | float | bool | Name | Variable | tuple[Value, ...] | dict[str, Value] | None"


class Unset(Enum):
    """The absence of a default value, which is not the default value null."""

    UNSET = "unset"


UNSET = Unset.UNSET


class Kind(Enum):
    """The six kinds of named types, with the words used for them in messages."""

    SCALAR = "Scalar Type"
    OBJECT = "Object Type"
    INTERFACE = "Interface Type"
    UNION = "Union Type"
    ENUM = "Enum Type"
    INPUT = "InputObject Type"


@dataclass(slots=True)
class Applied:
    """One application of a directive. `part` says to which definition or extension of a type it belongs."""

    name: str
    arguments: dict[str, Value] = field(default_factory=dict)
    node: ConstDirectiveNode | None = None
    part: int = 0


@dataclass(slots=True)
class InputValue:
    """An argument, or a field of an input type."""

    name: str
    type: TypeRef
    default: Value | Unset = UNSET
    description: str | None = None
    applied: list[Applied] = field(default_factory=list)
    node: AstNode | None = None
    coordinate: str = ""


@dataclass(slots=True)
class FieldDefinition:
    """A field of an object type or interface."""

    name: str
    type: TypeRef
    parent: str
    arguments: dict[str, InputValue] = field(default_factory=dict)
    description: str | None = None
    applied: list[Applied] = field(default_factory=list)
    node: AstNode | None = None
    part: int = 0

    @property
    def coordinate(self) -> str:
        """`Type.field`."""
        return f"{self.parent}.{self.name}"


@dataclass(slots=True)
class EnumValue:
    """A value of an enum."""

    name: str
    parent: str
    description: str | None = None
    applied: list[Applied] = field(default_factory=list)
    node: AstNode | None = None

    @property
    def coordinate(self) -> str:
        """`Enum.VALUE`."""
        return f"{self.parent}.{self.name}"


@dataclass(slots=True)
class TypeDefinition:
    """A named type: definition and extensions in one. Only the members that belong to its kind are filled."""

    kind: Kind
    name: str
    description: str | None = None
    applied: list[Applied] = field(default_factory=list)
    interfaces: dict[str, AstNode | None] = field(default_factory=dict)
    fields: dict[str, FieldDefinition] = field(default_factory=dict)
    inputs: dict[str, InputValue] = field(default_factory=dict)
    members: dict[str, AstNode | None] = field(default_factory=dict)
    values: dict[str, EnumValue] = field(default_factory=dict)
    node: AstNode | None = None
    extensions: list[AstNode] = field(default_factory=list)

    @property
    def coordinate(self) -> str:
        """The name itself."""
        return self.name

    @property
    def is_composite(self) -> bool:
        """Whether fields can be selected on it."""
        return self.kind in {Kind.OBJECT, Kind.INTERFACE, Kind.UNION}

    @property
    def is_abstract(self) -> bool:
        """Whether its values have another type at run time."""
        return self.kind in {Kind.INTERFACE, Kind.UNION}

    @property
    def is_extension_only(self) -> bool:
        """Whether there are extensions and no definition; what the upgrade moved out of an extension defines, too."""
        return self.node is None and bool(self.extensions) and all(entry.part for entry in self.applied)

    @property
    def last_part(self) -> AstNode | None:
        """Where messages point to: the definition, or the last extension if there are any."""
        return self.extensions[-1] if self.extensions else self.node


@dataclass(slots=True)
class DirectiveDefinition:
    """The definition of a directive."""

    name: str
    locations: tuple[str, ...]
    arguments: dict[str, InputValue] = field(default_factory=dict)
    repeatable: bool = False
    description: str | None = None
    node: AstNode | None = None

    @property
    def coordinate(self) -> str:
        """`@name`."""
        return f"@{self.name}"

    @property
    def executable_locations(self) -> tuple[str, ...]:
        """The locations in operations."""
        return tuple(location for location in self.locations if location in EXECUTABLE_LOCATIONS)


EXECUTABLE_LOCATIONS = frozenset(
    (
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
    )
)

Element: TypeAlias = TypeDefinition | FieldDefinition | InputValue | EnumValue


@dataclass(slots=True)
class Schema:
    """Everything that one document defines."""

    types: dict[str, TypeDefinition] = field(default_factory=dict)
    directives: dict[str, DirectiveDefinition] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    applied: list[Applied] = field(default_factory=list)
    description: str | None = None
    node: AstNode | None = None
    # Where each root type is named.
    root_nodes: dict[str, AstNode] = field(default_factory=dict)

    @property
    def coordinate(self) -> str:
        """A schema has no name."""
        return ""

    def implementations(self, interface: str) -> list[TypeDefinition]:
        """The object types that implement an interface."""
        return [t for t in self.types.values() if t.kind is Kind.OBJECT and interface in t.interfaces]

    def runtime_types(self, name: str) -> frozenset[str]:
        """The object types that a value of this type can have."""
        definition = self.types.get(name)
        if definition is None:
            return frozenset()
        match definition.kind:
            case Kind.OBJECT:
                return frozenset((name,))
            case Kind.UNION:
                return frozenset(definition.members)
            case Kind.INTERFACE:
                return frozenset(t.name for t in self.implementations(name))
            case _:
                return frozenset()

    def ordered_runtime_types(self, name: str) -> list[str]:
        """The same, in the order in which they are written."""
        definition = self.types.get(name)
        if definition is not None and definition.kind is Kind.UNION:
            return list(definition.members)
        return [t.name for t in self.implementations(name)]

    def is_subtype(self, sub: str, of: str) -> bool:
        """Whether one named type is a subtype of another, different one."""
        wide, narrow = self.types.get(of), self.types.get(sub)
        if wide is None or narrow is None:
            return False
        return sub in wide.members if wide.kind is Kind.UNION else of in narrow.interfaces


BUILTIN_SCALARS = ("Int", "Float", "String", "Boolean", "ID")


# -- type references --------------------------------------------------------------------------------------------------


def is_non_null(ref: TypeRef) -> bool:
    """Whether null is excluded at the outermost level."""
    return ref.endswith("!")


def nullable(ref: TypeRef) -> TypeRef:
    """The same type with null allowed."""
    return ref.removesuffix("!")


def is_list(ref: TypeRef) -> bool:
    """Whether it is a list, nullable or not."""
    return ref.startswith("[")


def item(ref: TypeRef) -> TypeRef:
    """What a list consists of."""
    return nullable(ref)[1:-1]


def named(ref: TypeRef) -> str:
    """The name inside of all wrappers."""
    return ref.strip("[]!")


# -- values -----------------------------------------------------------------------------------------------------------


def value_of(node: ValueNode) -> Value:  # noqa: PLR0911 - one line per kind of literal
    """Turn a literal of SDL into a value."""
    match node:
        case IntValueNode():
            return _number(node.value)
        case FloatValueNode():
            return float(node.value)
        case StringValueNode() | BooleanValueNode():
            return node.value
        case EnumValueNode():
            return Name(node.value)
        case ListValueNode():
            return tuple(value_of(entry) for entry in node.values)
        case ObjectValueNode():
            return {entry.name.value: value_of(entry.value) for entry in node.fields}
        case VariableNode():
            return Variable(node.name.value)
        case NullValueNode():
            return None
        case _:  # pragma: no cover - the grammar has no other literals
            raise TypeError(type(node).__name__)


# Beyond this Apollo counts in floating point.
_EXACT = 2**53


def _number(text: str) -> int | float:
    exact = len(text) < 17 and abs(int(text)) < _EXACT
    return int(text) if exact else float(text)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A GraphQL string literal."""
    return '"' + "".join(_ESCAPES.get(c) or (c if c >= " " else f"\\u{ord(c):04x}") for c in text) + '"'


def printed(value: Value) -> str:  # noqa: PLR0911 - one line per kind of value
    """The literal of SDL that reads back as this value."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _printed_float(value)
        case str():
            return quoted(value)
        case Name(text):
            return text
        case Variable(name):
            return f"${name}"
        case tuple():
            return "[" + ", ".join(printed(entry) for entry in value) + "]"
        case dict():
            return "{" + ", ".join(f"{name}: {printed(entry)}" for name, entry in value.items()) + "}"


def _printed_float(value: float) -> str:
    """Whole numbers lose their fraction, small ones keep their zeros: as JavaScript prints them."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e21:
        return str(int(value))
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f")
    return repr(value).replace("e-0", "e-")


def printed_arguments(arguments: Mapping[str, Value]) -> str:
    """`(name: value, …)`, or nothing at all."""
    return "(" + ", ".join(f"{name}: {printed(value)}" for name, value in arguments.items()) + ")" if arguments else ""


# -- places -----------------------------------------------------------------------------------------------------------


def place(subgraph: str | None, node: AstNode | None) -> Node | None:
    """Where an AST node begins; a built-in has no place."""
    if node is None or node.loc is None:
        return None
    token = node.loc.start_token
    return Node(subgraph, token.line, token.column)


def places(subgraph: str | None, nodes: Iterable[AstNode | None]) -> tuple[Node, ...]:
    """All places that are known."""
    return tuple(found for node in nodes if (found := place(subgraph, node)) is not None)


def elements(definition: TypeDefinition) -> Iterator[Element]:
    """The type itself and everything inside of it that can carry a directive."""
    yield definition
    for member in definition.fields.values():
        yield member
        yield from member.arguments.values()
    yield from definition.inputs.values()
    yield from definition.values.values()
