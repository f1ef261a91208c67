"""The rules of GraphQL for types: they exist, have content, implement what they promise and stand where they may stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from graphql import (
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)
from graphql import Node as AstNode

from router.composition.validation.literals import fits
from router.federation.codes import CompositionError
from router.federation.elements import (
    BUILTIN_SCALARS,
    UNSET,
    FieldDefinition,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    TypeRef,
    is_list,
    is_non_null,
    item,
    named,
    nullable,
    printed,
)
from router.federation.subgraph import Subgraph
from router.federation.typed_values import untyped

_CONTENT = {
    Kind.OBJECT: ("Type", "fields"),
    Kind.INTERFACE: ("Type", "fields"),
    Kind.INPUT: ("Input Object type", "fields"),
    Kind.ENUM: ("Enum type", "values"),
    Kind.UNION: ("Union type", "member types"),
}
_INPUT = frozenset((Kind.SCALAR, Kind.ENUM, Kind.INPUT))
_OUTPUT = frozenset(Kind) - {Kind.INPUT}


class Checked(Protocol):
    """What the rules look at: a subgraph, or the supergraph."""

    @property
    def schema(self) -> Schema:
        """All types."""

    def error(self, code: str, message: str, *nodes: AstNode | None) -> CompositionError:
        """An error about this schema."""


def unreadable(subgraph: Checked) -> Iterator[CompositionError]:
    """References to types that do not exist or can't be what they are said to be; nothing else can be checked then."""
    schema = subgraph.schema
    for definition in schema.types.values():
        for name, node in definition.members.items():
            if problem := _no_member(schema, definition, name):
                yield subgraph.error("INVALID_GRAPHQL", problem, node)
    for name, node in _references(schema):
        if name not in schema.types and name not in BUILTIN_SCALARS:
            yield subgraph.error("INVALID_GRAPHQL", f"Unknown type {name}", node)


def _no_member(schema: Schema, union: TypeDefinition, name: str) -> str | None:
    member = schema.types.get(name)
    if member is not None and member.kind is Kind.OBJECT:
        return None
    if member is None and name not in BUILTIN_SCALARS:
        return f"Cannot add unknown type {name} as member of union type {union.name}"
    kind = member.kind if member is not None else Kind.SCALAR
    return f"Cannot add non-object type {name} (of type {_class(kind)}) as member of union type {union.name}"


def _class(kind: Kind) -> str:
    return kind.value.replace(" ", "")


def _references(schema: Schema):  # type: ignore[no-untyped-def]  # noqa: ANN202
    for root in schema.roots.values():
        yield root, schema.node
    for definition in schema.types.values():
        yield from definition.interfaces.items()
        for member in definition.fields.values():
            yield named(member.type), member.node
            for argument in member.arguments.values():
                yield named(argument.type), argument.node
        for entry in definition.inputs.values():
            yield named(entry.type), entry.node
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield named(argument.type), argument.node


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all types of a subgraph."""
    for definition in subgraph.schema.types.values():
        yield from _names(subgraph, definition)
    yield from check_types(subgraph)
    yield from _roots(subgraph)


def check_types(subgraph: Checked) -> Iterator[CompositionError]:
    """Check what merging may break, too."""
    for definition in subgraph.schema.types.values():
        yield from _content(subgraph, definition)
        yield from _defaults(subgraph, definition)
        yield from _members(subgraph, definition)
        for name in definition.interfaces:
            yield from _implements(subgraph, definition, name)
    for directive in subgraph.schema.directives.values():
        for argument in directive.arguments.values():
            yield from default_value(subgraph, argument, "argument")
    yield from _input_cycles(subgraph)


def _content(subgraph: Checked, definition: TypeDefinition) -> Iterator[CompositionError]:
    words = _CONTENT.get(definition.kind)
    filled = definition.fields or definition.inputs or definition.values or definition.members
    if words is None or filled or definition.name == "Query":
        return
    message = f"{words[0]} {definition.name} must define one or more {words[1]}."
    yield subgraph.error("INVALID_GRAPHQL", message, definition.node, *definition.extensions)


def _names(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    found = [(definition.name, definition.node or next(iter(definition.extensions), None))]
    for member in definition.fields.values():
        found.append((member.name, member.node))
        found += [(argument.name, argument.node) for argument in member.arguments.values()]
    found += [(entry.name, entry.node) for entry in definition.inputs.values()]
    found += [(value.name, value.node) for value in definition.values.values()]
    for name, node in found:
        if name.startswith("__"):
            message = f'Name "{name}" must not begin with "__", which is reserved by GraphQL introspection.'
            yield subgraph.error("INVALID_GRAPHQL", message, node)


def positions(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Fields have output types, everything that is given has an input type."""
    for definition in subgraph.schema.types.values():
        for member in definition.fields.values():
            yield from _position(subgraph, member, is_input=False)
            for argument in member.arguments.values():
                yield from _position(subgraph, argument, is_input=True)
        for entry in definition.inputs.values():
            yield from _position(subgraph, entry, is_input=True)
    for directive in subgraph.schema.directives.values():
        for argument in directive.arguments.values():
            yield from _position(subgraph, argument, is_input=True)


def _defaults(subgraph: Checked, definition: TypeDefinition) -> Iterator[CompositionError]:
    for member in definition.fields.values():
        for argument in member.arguments.values():
            yield from _given(subgraph, argument, "argument")
    for entry in definition.inputs.values():
        yield from _given(subgraph, entry, "input field")


def _given(subgraph: Checked, element: InputValue, word: str) -> Iterator[CompositionError]:
    yield from default_value(subgraph, element, word)
    deprecated = any(application.name == "deprecated" for application in element.applied)
    if deprecated and is_non_null(element.type) and element.default is UNSET:
        message = f"Required {word} {element.coordinate} cannot be deprecated."
        yield subgraph.error("INVALID_GRAPHQL", message, element.node)


def _position(
    subgraph: Subgraph, element: FieldDefinition | InputValue, *, is_input: bool
) -> Iterator[CompositionError]:
    base = subgraph.schema.types.get(named(element.type))
    if base is None or base.kind in (_INPUT if is_input else _OUTPUT):
        return
    word = "Input" if is_input else "Output"
    kind = "NonNullType" if is_non_null(element.type) else "ListType" if is_list(element.type) else _class(base.kind)
    message = f'The type of "{element.coordinate}" must be {word} Type but got "{element.type}", a {kind}.'
    yield subgraph.error("INVALID_GRAPHQL", message, element.node)


def default_value(subgraph: Checked, element: InputValue, word: str) -> Iterator[CompositionError]:
    """A default must be a value of its type."""
    if element.default is not UNSET and not fits(element.default, element.type, subgraph.schema):
        got = printed(untyped(element.default))
        message = f"Invalid default value (got: {got}) provided for {word} {element.coordinate} of type {element.type}."
        yield subgraph.error("INVALID_GRAPHQL", message, element.node)


def _members(subgraph: Checked, definition: TypeDefinition) -> Iterator[CompositionError]:
    for node in (definition.node, *definition.extensions):
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                names, verb = [entry.name.value for entry in node.interfaces or ()], "implement"
            case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
                names, verb = [entry.name.value for entry in node.types or ()], "include type"
            case _:
                continue
        for name in {name for name in names if names.count(name) > 1}:
            message = f"Type {definition.name} can only {verb} {name} once."
            yield subgraph.error("INVALID_GRAPHQL", message, node)


def _implements(subgraph: Checked, definition: TypeDefinition, name: str) -> Iterator[CompositionError]:
    interface = subgraph.schema.types.get(name)
    at = definition.interfaces[name]
    if interface is None or interface.kind is not Kind.INTERFACE:
        kind = interface.kind.value.replace(" ", "") if interface else "unknown"
        message = f"Cannot implement non-interface type {name} (of type {kind})"
        yield subgraph.error("INVALID_GRAPHQL", message, at)
        return
    if name == definition.name:
        yield subgraph.error(
            "INVALID_GRAPHQL", f"Type {name} cannot implement itself because it would create a circular reference.", at
        )
        return
    for inherited in interface.interfaces:
        if inherited == definition.name:
            message = f"Type {definition.name} cannot implement {name} because it would create a circular reference."
            yield subgraph.error("INVALID_GRAPHQL", message, at)
        elif inherited not in definition.interfaces:
            message = f"Type {definition.name} must implement {inherited} because it is implemented by {name}."
            yield subgraph.error("INVALID_GRAPHQL", message, at)
    for expected in interface.fields.values():
        found = definition.fields.get(expected.name)
        if found is None:
            message = f"Interface field {expected.coordinate} expected but {definition.name} does not provide it."
            yield subgraph.error("INVALID_GRAPHQL", message, expected.node, definition.node)
        else:
            yield from _implements_field(subgraph, expected, found)


def _implements_field(
    subgraph: Checked, expected: FieldDefinition, found: FieldDefinition
) -> Iterator[CompositionError]:
    if not covariant(subgraph.schema, found.type, expected.type):
        message = (
            f"Interface field {expected.coordinate} expects type {expected.type} but {found.coordinate} of type {found.type} is not a "
            "proper subtype."
        )
        yield subgraph.error("INVALID_GRAPHQL", message, expected.node, found.node)
    for name, argument in expected.arguments.items():
        given = found.arguments.get(name)
        if given is None:
            message = (
                f"Interface field argument {argument.coordinate} expected but {found.coordinate} does not provide it."
            )
            yield subgraph.error("INVALID_GRAPHQL", message, argument.node, found.node)
        elif given.type != argument.type:
            message = f"Interface field argument {argument.coordinate} expects type {argument.type} but {given.coordinate} is type {given.type}."
            yield subgraph.error("INVALID_GRAPHQL", message, argument.node, given.node)
    for name, argument in found.arguments.items():
        if name not in expected.arguments and is_non_null(argument.type) and argument.default is UNSET:
            message = f"Field {found.coordinate} includes required argument {name} that is missing from the Interface field {expected.coordinate}."
            yield subgraph.error("INVALID_GRAPHQL", message, argument.node, expected.node)


def covariant(schema: Schema, sub: TypeRef, of: TypeRef) -> bool:
    """Whether a field of type `sub` may implement one of type `of`."""
    if sub == of:
        return True
    if is_non_null(of):
        return is_non_null(sub) and covariant(schema, nullable(sub), nullable(of))
    if is_non_null(sub):
        return covariant(schema, nullable(sub), of)
    if is_list(of) or is_list(sub):
        return is_list(of) and is_list(sub) and covariant(schema, item(sub), item(of))
    return schema.is_subtype(sub, of)


def _input_cycles(subgraph: Checked) -> Iterator[CompositionError]:
    """An input type that needs itself can never be given."""
    done: set[str] = set()
    for definition in subgraph.schema.types.values():
        if definition.kind is Kind.INPUT and definition.name not in done:
            yield from _input_cycle(subgraph, definition, [], done)


def _input_cycle(
    subgraph: Checked, definition: TypeDefinition, path: list[InputValue], done: set[str]
) -> Iterator[CompositionError]:
    done.add(definition.name)
    for entry in definition.inputs.values():
        base = subgraph.schema.types.get(nullable(entry.type)) if is_non_null(entry.type) else None
        if base is None or base.kind is not Kind.INPUT:
            continue
        owners = [step.coordinate.split(".")[0] for step in (*path, entry)]
        if base.name in owners:
            through = [*path, entry][owners.index(base.name) :]
            told = ".".join(step.name for step in through)
            message = f'Cannot reference Input Object "{base.name}" within itself through a series of non-null fields: "{told}".'
            yield subgraph.error("INVALID_GRAPHQL", message, *(step.node for step in through))
        elif base.name not in done:
            yield from _input_cycle(subgraph, base, [*path, entry], done)


def _roots(subgraph: Subgraph) -> Iterator[CompositionError]:
    for operation, name in subgraph.schema.roots.items():
        definition = subgraph.schema.types.get(name)
        if definition is not None and definition.kind is not Kind.OBJECT:
            known = subgraph.renamed.get(name, name)
            message = f"{operation.capitalize()} root type must be an Object type, it cannot be set to {known} (an {_class(definition.kind)})."
            yield subgraph.error("INVALID_GRAPHQL", message, definition.node)
