"""@inaccessible: what is hidden must be neither needed nor mentioned by what stays visible.

The API schema is the supergraph without its hidden elements. It must still be a schema: types keep children, references keep
their targets, implementations keep what their interfaces promise, callers can give what is required, and defaults exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import Node as AstNode

from router.composition.merge.arguments import is_required
from router.composition.merge.merging import Merging
from router.federation.codes import Node
from router.federation.elements import (
    UNSET,
    DirectiveDefinition,
    Element,
    EnumValue,
    FieldDefinition,
    InputValue,
    Kind,
    Name,
    TypeDefinition,
    TypeRef,
    Value,
    elements,
    is_list,
    is_non_null,
    item,
    named,
    nullable,
    places,
)
from router.federation.subgraph_links import supergraph_links

_CHILDREN = {
    Kind.OBJECT: "fields",
    Kind.INTERFACE: "fields",
    Kind.INPUT: "input fields",
    Kind.ENUM: "values",
    Kind.UNION: "members",
}


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is wrong, with what is hidden and what is in the way of hiding it, by coordinate."""

    code: str
    message: str
    hidden: tuple[str, ...]
    needed_by: tuple[str, ...] = ()


def check(merging: Merging) -> None:
    """Check what is hidden in the supergraph."""
    name = next((n for n, composed in merging.composed.items() if composed.element == "inaccessible"), None)
    if name is not None:
        for problem in _Visibility(merging, name).problems():
            merging.error(problem.code, problem.message, list(_places(merging, problem)))


def _places(merging: Merging, problem: _Problem) -> Iterator[Node]:
    """Where something is hidden, and where it is needed all the same."""
    hiding: set[str] = set()
    for coordinate in problem.hidden:
        for subgraph in merging.subgraphs:
            element = subgraph.element_at(coordinate)
            if element is None or isinstance(element, DirectiveDefinition):
                continue
            if subgraph.has(element, "inaccessible"):
                hiding.add(subgraph.name)
                yield from places(subgraph.name, (_node(element),))
    for coordinate in problem.needed_by:
        for subgraph in merging.subgraphs:
            element = subgraph.element_at(coordinate)
            if element is not None and _is_in_the_way(problem, element, hidden_here=subgraph.name in hiding):
                yield from places(subgraph.name, (_node(element),))


def _node(element: Element | DirectiveDefinition) -> AstNode | None:
    """Values are small enough to be found with their enum."""
    if isinstance(element, EnumValue):
        return None
    return element.last_part if isinstance(element, TypeDefinition) else element.node


def _is_in_the_way(problem: _Problem, element: Element | DirectiveDefinition, *, hidden_here: bool) -> bool:
    """Whether a subgraph has its part in the problem."""
    match problem.code:
        case "REFERENCED_INACCESSIBLE":
            return isinstance(element, FieldDefinition | InputValue) and named(element.type) == problem.hidden[0]
        case "REQUIRED_INACCESSIBLE":
            return isinstance(element, InputValue) and (is_non_null(element.type) or element.default is UNSET)
        case "DISALLOWED_INACCESSIBLE" | "ONLY_INACCESSIBLE_CHILDREN":
            return hidden_here
        case _:
            return True


@dataclass(frozen=True, slots=True)
class _Visibility:
    merging: Merging
    name: str

    def hidden(self, element: Element) -> bool:
        return any(application.name == self.name for application in element.applied)

    def problems(self) -> Iterator[_Problem]:
        features = supergraph_links(self.merging.supergraph)
        for definition in self.merging.supergraph.types.values():
            if not self.merging.types_named(definition.name):
                continue
            if features.source_of_type(definition.name) is not None:
                yield from self.of_feature("type", definition.name, list(elements(definition)))
            elif definition.name == "Query" and self.hidden(definition):
                message = 'Type "Query" is @inaccessible but is the root query type, which must be in the API schema.'
                yield _Problem("QUERY_ROOT_TYPE_INACCESSIBLE", message, ("Query",))
            elif self.hidden(definition):
                yield from self.referenced(definition)
            else:
                yield from self.children(definition)
                for member in definition.fields.values():
                    yield from self.field(definition, member)
                for entry in definition.inputs.values():
                    yield from self.input_field(entry)
        for directive in self.merging.supergraph.directives.values():
            arguments = list(directive.arguments.values())
            if features.source_of_directive(directive.name) is not None:
                yield from self.of_feature("directive", directive.coordinate, arguments)
            else:
                yield from self.directive_arguments(arguments)

    def of_feature(self, word: str, coordinate: str, parts: Sequence[Element]) -> Iterator[_Problem]:
        """What a specification defines is not the graph's to hide."""
        hidden = tuple(part.coordinate for part in parts if self.hidden(part))
        if hidden:
            message = f'Core feature {word} "{coordinate}" cannot use @inaccessible.'
            yield _Problem("DISALLOWED_INACCESSIBLE", message, hidden, (coordinate,))

    def directive_arguments(self, arguments: Sequence[InputValue]) -> Iterator[_Problem]:
        for argument in arguments:
            if self.hidden(argument) and is_required(argument):
                message = (
                    f'Argument "{argument.coordinate}" is @inaccessible but is a required argument of its directive.'
                )
                yield _Problem("REQUIRED_INACCESSIBLE", message, (argument.coordinate,), (argument.coordinate,))
            elif not self.hidden(argument):
                yield from self.default(argument, argument.default, argument.type)

    def referenced(self, definition: TypeDefinition) -> Iterator[_Problem]:
        """A hidden type is not named where it can be seen; what it implements or belongs to just loses it."""
        for element in self.visible():
            if named(element.type) == definition.name:
                message = f'Type "{definition.name}" is @inaccessible but is referenced by "{element.coordinate}", which is in the API schema.'
                yield _Problem("REFERENCED_INACCESSIBLE", message, (definition.name,), (element.coordinate,))

    def visible(self) -> Iterator[FieldDefinition | InputValue]:
        for definition in self.merging.supergraph.types.values():
            if self.hidden(definition):
                continue
            for member in definition.fields.values():
                if not self.hidden(member):
                    yield member
                    yield from (argument for argument in member.arguments.values() if not self.hidden(argument))
            yield from (entry for entry in definition.inputs.values() if not self.hidden(entry))

    def children(self, definition: TypeDefinition) -> Iterator[_Problem]:
        members: list[Element] = [*definition.fields.values(), *definition.inputs.values(), *definition.values.values()]
        members += [
            self.merging.supergraph.types[name] for name in definition.members if name in self.merging.supergraph.types
        ]
        if members and all(self.hidden(member) for member in members):
            message = f'Type "{definition.name}" is in the API schema but all of its {_CHILDREN[definition.kind]} are @inaccessible.'
            hidden = tuple(member.coordinate for member in members)
            yield _Problem("ONLY_INACCESSIBLE_CHILDREN", message, hidden, (definition.name,))

    def field(self, definition: TypeDefinition, member: FieldDefinition) -> Iterator[_Problem]:
        if self.hidden(member):
            yield from self.implements(definition, member, None)
            return
        for argument in member.arguments.values():
            if not self.hidden(argument):
                yield from self.default(argument, argument.default, argument.type)
                continue
            if is_required(argument):
                message = f'Argument "{argument.coordinate}" is @inaccessible but is a required argument of its field.'
                yield _Problem("REQUIRED_INACCESSIBLE", message, (argument.coordinate,), (argument.coordinate,))
            yield from self.implemented(definition, member, argument)
            yield from self.implements(definition, member, argument)

    def implemented(
        self, definition: TypeDefinition, member: FieldDefinition, argument: InputValue
    ) -> Iterator[_Problem]:
        """What an interface hides can't be given to an implementation that requires it."""
        for implementation in self.merging.supergraph.types.values():
            if definition.name not in implementation.interfaces or self.hidden(implementation):
                continue
            field = implementation.fields[member.name]
            found = field.arguments.get(argument.name)
            if found is None or self.hidden(field) or self.hidden(found) or not is_required(found):
                continue
            message = (
                f'Argument "{argument.coordinate}" is @inaccessible but is implemented by the required argument "{found.coordinate}", '
                "which is in the API schema."
            )
            yield _Problem("REQUIRED_INACCESSIBLE", message, (argument.coordinate,), (found.coordinate,))

    def implements(
        self, definition: TypeDefinition, member: FieldDefinition, argument: InputValue | None
    ) -> Iterator[_Problem]:
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
                yield _Problem("IMPLEMENTED_BY_INACCESSIBLE", message, (member.coordinate,), (promised.coordinate,))
                continue
            expected = promised.arguments.get(argument.name)
            if expected is not None and not self.hidden(expected):
                message = (
                    f'Argument "{argument.coordinate}" is @inaccessible but implements the interface argument "{expected.coordinate}", '
                    "which is in the API schema."
                )
                yield _Problem("IMPLEMENTED_BY_INACCESSIBLE", message, (argument.coordinate,), (expected.coordinate,))

    def input_field(self, entry: InputValue) -> Iterator[_Problem]:
        if not self.hidden(entry):
            yield from self.default(entry, entry.default, entry.type)
        elif is_required(entry):
            message = f'Input field "{entry.coordinate}" is @inaccessible but is a required input field of its type.'
            yield _Problem("REQUIRED_INACCESSIBLE", message, (entry.coordinate,), (entry.coordinate,))

    def default(self, owner: InputValue, value: object, ref: TypeRef) -> Iterator[_Problem]:
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
    ) -> Iterator[_Problem]:
        for name, inner in value.items():
            entry = definition.inputs.get(name)
            if entry is None:
                continue
            if self.hidden(entry):
                yield self.mentioned("Input field", entry.coordinate, owner)
            else:
                yield from self.default(owner, inner, entry.type)

    def mentioned(self, what: str, coordinate: str, owner: InputValue) -> _Problem:
        message = f'{what} "{coordinate}" is @inaccessible but is used in the default value of "{owner.coordinate}", which is in the API schema.'
        return _Problem("DEFAULT_VALUE_USES_INACCESSIBLE", message, (), (owner.coordinate,))
