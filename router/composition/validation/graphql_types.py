"""The rules of GraphQL for types: they have content, implement what they promise, and their defaults are values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from graphql import Node as AstNode

from router.composition.validation.literals import fits
from router.federation.codes import CompositionError
from router.federation.elements import (
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


class Checked(Protocol):
    """What the rules look at: a subgraph, or the supergraph."""

    @property
    def schema(self) -> Schema:
        """All types."""

    def error(self, code: str, message: str, *nodes: AstNode | None) -> CompositionError:
        """An error about this schema."""


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all types of a subgraph."""
    for definition in subgraph.schema.types.values():
        yield from _names(subgraph, definition)
    yield from check_types(subgraph)


def check_types(subgraph: Checked) -> Iterator[CompositionError]:
    """Check what merging may break, too."""
    for definition in subgraph.schema.types.values():
        yield from _content(subgraph, definition)
        yield from _defaults(subgraph, definition)
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
    yield subgraph.error("INVALID_GRAPHQL", message, definition.last_part)


def _names(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    found = [(definition.name, definition.last_part)]
    for member in definition.fields.values():
        found.append((member.name, member.node))
        found += [(argument.name, argument.node) for argument in member.arguments.values()]
    found += [(entry.name, entry.node) for entry in definition.inputs.values()]
    found += [(value.name, value.node) for value in definition.values.values()]
    for name, node in found:
        if name.startswith("__"):
            message = f'Name "{name}" must not begin with "__", which is reserved by GraphQL introspection.'
            yield subgraph.error("INVALID_GRAPHQL", message, node)


def _defaults(subgraph: Checked, definition: TypeDefinition) -> Iterator[CompositionError]:
    for member in definition.fields.values():
        for argument in member.arguments.values():
            yield from _given(subgraph, argument, "argument")
    for entry in definition.inputs.values():
        yield from _given(subgraph, entry, "input field")


def _given(subgraph: Checked, element: InputValue, word: str) -> Iterator[CompositionError]:
    yield from default_value(subgraph, element, word)
    deprecated = next((application for application in element.applied if application.name == "deprecated"), None)
    if deprecated is not None and is_non_null(element.type) and element.default is UNSET:
        message = f"Required {word} {element.coordinate} cannot be deprecated."
        yield subgraph.error("INVALID_GRAPHQL", message, deprecated.node, element.node)


def default_value(subgraph: Checked, element: InputValue, word: str) -> Iterator[CompositionError]:
    """A default must be a value of its type."""
    if element.default is not UNSET and not fits(element.default, element.type, subgraph.schema):
        got = printed(untyped(element.default))
        message = f"Invalid default value (got: {got}) provided for {word} {element.coordinate} of type {element.type}."
        yield subgraph.error("INVALID_GRAPHQL", message, element.node)


def _implements(subgraph: Checked, definition: TypeDefinition, name: str) -> Iterator[CompositionError]:
    interface = subgraph.schema.types.get(name)
    if interface is None or interface.kind is not Kind.INTERFACE:
        return
    if name == definition.name:
        message = f"Type {name} cannot implement itself because it would create a circular reference."
        yield subgraph.error("INVALID_GRAPHQL", message, definition.last_part)
    yield from _implements_fields(subgraph, definition, interface)
    for inherited in interface.interfaces:
        if inherited == definition.name and name != definition.name:
            message = f"Type {definition.name} cannot implement {name} because it would create a circular reference."
            yield subgraph.error("INVALID_GRAPHQL", message, definition.last_part, interface.last_part)
        elif inherited not in definition.interfaces:
            message = f"Type {definition.name} must implement {inherited} because it is implemented by {name}."
            further = subgraph.schema.types.get(inherited)
            nodes = (definition.last_part, interface.last_part, further.last_part if further else None)
            yield subgraph.error("INVALID_GRAPHQL", message, *nodes)


def _implements_fields(
    subgraph: Checked, definition: TypeDefinition, interface: TypeDefinition
) -> Iterator[CompositionError]:
    for expected in interface.fields.values():
        found = definition.fields.get(expected.name)
        if found is None:
            message = f"Interface field {expected.coordinate} expected but {definition.name} does not provide it."
            yield subgraph.error("INVALID_GRAPHQL", message, expected.node, definition.last_part)
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
