"""@inaccessible: what is hidden must be neither needed nor mentioned by what stays visible.

The API schema is the supergraph without its hidden elements. It must still be a schema: types keep children, references keep
their targets, implementations keep what their interfaces promise, callers can give what is required, and defaults exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.merge.arguments import is_required
from router.composition.merge.merging import Merging
from router.federation.codes import Node
from router.federation.elements import (
    UNSET,
    Element,
    FieldDefinition,
    InputValue,
    Kind,
    Name,
    TypeDefinition,
    TypeRef,
    Value,
    is_list,
    item,
    named,
    nullable,
)

_CHILDREN = {
    Kind.OBJECT: "fields",
    Kind.INTERFACE: "fields",
    Kind.INPUT: "input fields",
    Kind.ENUM: "values",
    Kind.UNION: "members",
}


def check(merging: Merging) -> None:
    """Check what is hidden in the supergraph."""
    name = next((n for n, composed in merging.composed.items() if composed.element == "inaccessible"), None)
    if name is not None:
        for code, message, elements in _Visibility(merging, name).problems():
            merging.error(code, message, _places(merging, elements))


def _places(merging: Merging, elements: tuple[str, ...]) -> list[Node]:
    """Where elements stand in all subgraphs that have them, found by coordinate."""
    found: list[Node] = []
    for coordinate in elements:
        for subgraph in merging.subgraphs:
            node = subgraph.place(subgraph.node_at(coordinate))
            if node is not None:
                found.append(node)
    return found


@dataclass(frozen=True, slots=True)
class _Visibility:
    merging: Merging
    name: str

    def hidden(self, element: Element) -> bool:
        return any(application.name == self.name for application in element.applied)

    def problems(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for definition in self.merging.supergraph.types.values():
            if not self.merging.types_named(definition.name):
                continue
            if definition.name == "Query" and self.hidden(definition):
                message = 'Type "Query" is @inaccessible but is the root query type, which must be in the API schema.'
                yield "QUERY_ROOT_TYPE_INACCESSIBLE", message, ("Query",)
            elif self.hidden(definition):
                yield from self.referenced(definition)
            else:
                yield from self.children(definition)
                for member in definition.fields.values():
                    yield from self.field(definition, member)
                for entry in definition.inputs.values():
                    yield from self.input_field(entry)
        yield from self.directive_arguments()

    def directive_arguments(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for directive in self.merging.supergraph.directives.values():
            for argument in directive.arguments.values():
                if self.hidden(argument) and is_required(argument):
                    message = f'Argument "{argument.coordinate}" is @inaccessible but is a required argument of its directive.'
                    yield "REQUIRED_INACCESSIBLE", message, (argument.coordinate,)

    def referenced(self, definition: TypeDefinition) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """A hidden type is not named where it can be seen; what it implements or belongs to just loses it."""
        for element in self.visible():
            if named(element.type) == definition.name:
                message = f'Type "{definition.name}" is @inaccessible but is referenced by "{element.coordinate}", which is in the API schema.'
                yield "REFERENCED_INACCESSIBLE", message, (definition.name, element.coordinate)

    def visible(self) -> Iterator[FieldDefinition | InputValue]:
        for definition in self.merging.supergraph.types.values():
            if self.hidden(definition):
                continue
            for member in definition.fields.values():
                if not self.hidden(member):
                    yield member
                    yield from (argument for argument in member.arguments.values() if not self.hidden(argument))
            yield from (entry for entry in definition.inputs.values() if not self.hidden(entry))

    def children(self, definition: TypeDefinition) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        members: list[Element] = [*definition.fields.values(), *definition.inputs.values(), *definition.values.values()]
        members += [
            self.merging.supergraph.types[name] for name in definition.members if name in self.merging.supergraph.types
        ]
        if members and all(self.hidden(member) for member in members):
            message = f'Type "{definition.name}" is in the API schema but all of its {_CHILDREN[definition.kind]} are @inaccessible.'
            yield "ONLY_INACCESSIBLE_CHILDREN", message, (*(member.coordinate for member in members), definition.name)

    def field(self, definition: TypeDefinition, member: FieldDefinition) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.hidden(member):
            yield from self.implements(definition, member, None)
            return
        for argument in member.arguments.values():
            if not self.hidden(argument):
                yield from self.default(argument, argument.default, argument.type)
            elif is_required(argument):
                message = f'Argument "{argument.coordinate}" is @inaccessible but is a required argument of its field.'
                yield "REQUIRED_INACCESSIBLE", message, (argument.coordinate, argument.coordinate)
            else:
                yield from self.implements(definition, member, argument)

    def implements(
        self, definition: TypeDefinition, member: FieldDefinition, argument: InputValue | None
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """A visible interface still promises what its implementation hides."""
        for name in definition.interfaces:
            interface = self.merging.supergraph.types.get(name)
            promised = interface.fields.get(member.name) if interface else None
            if interface is None or promised is None or self.hidden(interface) or self.hidden(promised):
                continue
            if argument is None:
                message = (
                    f'Field "{member.coordinate}" is @inaccessible but implements the interface field "{promised.coordinate}", which is in '
                    "the API schema."
                )
                yield "IMPLEMENTED_BY_INACCESSIBLE", message, (member.coordinate, promised.coordinate)
                continue
            expected = promised.arguments.get(argument.name)
            if expected is not None and not self.hidden(expected):
                message = (
                    f'Argument "{argument.coordinate}" is @inaccessible but implements the interface argument "{expected.coordinate}", '
                    "which is in the API schema."
                )
                yield "IMPLEMENTED_BY_INACCESSIBLE", message, (argument.coordinate, expected.coordinate)

    def input_field(self, entry: InputValue) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if not self.hidden(entry):
            yield from self.default(entry, entry.default, entry.type)
        elif is_required(entry):
            message = f'Input field "{entry.coordinate}" is @inaccessible but is a required input field of its type.'
            yield "REQUIRED_INACCESSIBLE", message, (entry.coordinate, entry.coordinate)

    def default(self, owner: InputValue, value: object, ref: TypeRef) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """The hidden values and fields that a visible default mentions."""
        if value is UNSET or value is None:
            return
        if isinstance(value, tuple):
            for entry in value:
                yield from self.default(owner, entry, item(ref) if is_list(ref) else ref)
            return
        definition = self.merging.supergraph.types.get(named(nullable(ref)))
        if definition is None:
            return
        if isinstance(value, Name) and value.text in definition.values and self.hidden(definition.values[value.text]):
            yield self.mentioned("Enum value", f"{definition.name}.{value.text}", owner)
        elif isinstance(value, dict):
            yield from self.default_object(owner, value, definition)

    def default_object(
        self, owner: InputValue, value: dict[str, Value], definition: TypeDefinition
    ) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        for name, inner in value.items():
            entry = definition.inputs.get(name)
            if entry is None:
                continue
            if self.hidden(entry):
                yield self.mentioned("Input field", entry.coordinate, owner)
            else:
                yield from self.default(owner, inner, entry.type)

    def mentioned(self, what: str, coordinate: str, owner: InputValue) -> tuple[str, str, tuple[str, ...]]:
        message = f'{what} "{coordinate}" is @inaccessible but is used in the default value of "{owner.coordinate}", which is in the API schema.'
        return "DEFAULT_VALUE_USES_INACCESSIBLE", message, (coordinate, owner.coordinate)
