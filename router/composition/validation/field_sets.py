"""What @key, @requires and @provides have in common: a field set that must be readable and fit the type it speaks about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from graphql import ConstDirectiveNode, print_ast
from graphql import Node as AstNode

from router.composition.validation.literals import problem_with
from router.federation.codes import CompositionError
from router.federation.elements import (
    UNSET,
    Applied,
    FieldDefinition,
    Kind,
    TypeDefinition,
    Value,
    Variable,
    is_non_null,
    named,
    printed,
    printed_arguments,
    value_of,
)
from router.federation.fieldsets import FieldSet, FieldSetSyntaxError, Fragment, SelectedField, parse
from router.federation.fieldsets import printed as printed_selection
from router.federation.subgraph import Subgraph


class InvalidFieldSetError(Exception):
    """The first thing that is wrong with a field set."""

    def __init__(self, code: str, message: str, node: AstNode | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.node = node


@dataclass(frozen=True, slots=True)
class FieldSetUse:
    """One application of a directive that has a field set."""

    subgraph: Subgraph
    directive: str
    application: Applied
    # `On type "T"` or `On field "T.f"`.
    where: str
    # The type that the field set selects from.
    target: TypeDefinition
    element: AstNode | None = None

    @property
    def told(self) -> str:
        """The application as it is quoted in messages: as it was written, unless the upgrade changed it."""
        node = self.application.node
        if node is not None and _as_written(node) == self.application.arguments:
            return print_ast(node)
        return f"@{self.subgraph.name_of(self.directive)}{printed_arguments({'fields': self.application.arguments.get('fields')})}"

    @property
    def prefix(self) -> str:
        """The prefix of the codes of this directive."""
        return self.directive.upper()


def _as_written(node: ConstDirectiveNode) -> dict[str, Value]:
    return {argument.name.value: value_of(argument.value) for argument in node.arguments or ()}


# Looks at one selected field: the field, the selection, whether something above it is external.
FieldCheck: TypeAlias = Callable[[FieldDefinition, SelectedField, bool], Iterator[InvalidFieldSetError]]


def check_field_set(use: FieldSetUse, check_field: FieldCheck) -> Iterator[CompositionError]:
    """Tell the first reason why a field set can't be read, or else everything that it may not select."""
    problems: list[InvalidFieldSetError] = []
    try:
        selections = _parse(use, use.application.arguments.get("fields"))
        # First what must exist, then what must not be empty, then what may be selected: the order in which problems are told.
        for step in _Step:
            _Walk(use, check_field, step, problems).selections(use.target, selections, above=False)
    except InvalidFieldSetError as error:
        problems = [error]
    for problem in problems:
        message = f"{use.where}, for {use.told}: {problem}"
        yield use.subgraph.error(problem.code, message, use.application.node, problem.node)


def _parse(use: FieldSetUse, text: Value) -> FieldSet:
    if not isinstance(text, str):
        problem = 'Invalid value for argument "fields": must be a string.'
        raise InvalidFieldSetError(f"{use.prefix}_INVALID_FIELDS_TYPE", problem, use.application.node)
    try:
        return parse(text)
    except FieldSetSyntaxError as error:
        raise InvalidFieldSetError(f"{use.prefix}_INVALID_FIELDS", str(error)) from None


class _Step(Enum):
    """What is looked at in one walk over a field set."""

    EXISTENCE = auto()
    CONTENT = auto()
    ALIASES = auto()
    FIELDS = auto()


@dataclass(frozen=True, slots=True)
class _Walk:
    use: FieldSetUse
    check_field: FieldCheck
    step: _Step
    # What may not be selected; one does not hide the other.
    problems: list[InvalidFieldSetError]

    def invalid(self, message: str, node: AstNode | None = None) -> InvalidFieldSetError:
        return InvalidFieldSetError(f"{self.use.prefix}_INVALID_FIELDS", message, node)

    def selections(self, parent: TypeDefinition, selections: FieldSet, *, above: bool) -> None:
        for selection in selections:
            self.known_directives(selection)
            if isinstance(selection, Fragment):
                self.directives(selection)
                inner = self.use.subgraph.schema.types.get(selection.on) if selection.on else parent
                self.selections(
                    inner if inner is not None and inner.is_composite else parent, selection.selections, above=above
                )
            else:
                self.field(parent, selection, above=above)

    def known_directives(self, selection: SelectedField | Fragment) -> None:
        for text in selection.directives:
            name = text[1:].split("(")[0]
            if name not in self.use.subgraph.schema.directives and name not in {"skip", "include", "defer", "stream"}:
                raise self.invalid(f'Unknown directive "@{name}"')

    def directives(self, selection: SelectedField | Fragment) -> None:
        if selection.directives and self.step is _Step.FIELDS:
            name = f"@{self.use.subgraph.name_of(self.use.directive)}"
            problem = InvalidFieldSetError(
                f"{self.use.prefix}_DIRECTIVE_IN_FIELDS_ARG",
                f"cannot have directive applications in the {name}(fields:) argument but found {', '.join(selection.directives)}.",
            )
            self.problems.append(problem)

    def field(self, parent: TypeDefinition, selection: SelectedField, *, above: bool) -> None:
        subgraph = self.use.subgraph
        member = parent.fields.get(selection.name)
        if selection.name == "__typename":
            member = FieldDefinition("__typename", "String!", parent.name)
        if member is None:
            raise self.invalid(
                f'Cannot query field "{selection.name}" on type "{parent.name}" {self.advice()}', parent.last_part
            )
        if self.step is _Step.EXISTENCE:
            self.abstract(member)
            self.arguments(member, selection)
        external = above or self.external(parent, member)
        base = subgraph.schema.types.get(named(member.type))
        if self.step is _Step.FIELDS:
            self.directives(selection)
            self.problems.extend(self.check_field(member, selection, above))
        if selection.alias and self.step is _Step.ALIASES:
            raise self.invalid(
                f'Cannot use alias "{selection.alias}" in "{printed_selection((selection,))}": aliases are not currently supported in '
                f"@{subgraph.name_of(self.use.directive)}"
            )
        if base is not None and base.is_composite and not selection.selections and self.step is _Step.CONTENT:
            raise self.invalid(
                f'Invalid empty selection set for field "{member.coordinate}" of non-leaf type {member.type}',
                member.node,
            )
        if base is not None and base.is_composite:
            self.selections(base, selection.selections, above=external)
        elif selection.selections:
            raise self.invalid(
                f'Invalid selection on field "{member.coordinate}": the selected field is of type {member.type} and has no sub-fields.'
            )

    def external(self, parent: TypeDefinition, member: FieldDefinition) -> bool:
        """A field of an interface may be external on some type behind it."""
        subgraph = self.use.subgraph
        if member.name == "__typename":
            return False
        if subgraph.is_external(member) or parent.kind is not Kind.INTERFACE:
            return subgraph.is_external(member)
        behind = (t.fields.get(member.name) for t in subgraph.schema.implementations(parent.name))
        return any(found is not None and subgraph.is_external(found) for found in behind)

    def abstract(self, member: FieldDefinition) -> None:
        """Keys must lead to one object."""
        base = self.use.subgraph.schema.types.get(named(member.type))
        if self.use.directive == "key" and base is not None and base.is_abstract:
            kind = "Union" if base.kind is Kind.UNION else "Interface"
            raise InvalidFieldSetError(
                "KEY_FIELDS_SELECT_INVALID_TYPE",
                f'field "{member.coordinate}" is a {kind} type which is not allowed in @{self.use.subgraph.name_of("key")}',
            )

    def advice(self) -> str:
        if self.use.directive == "key":
            return (
                "(the field should either be added to this subgraph or, if it should not be resolved by this subgraph, you need to add "
                "it to this subgraph with @external)."
            )
        return "(if the field is defined in another subgraph, you need to add it to this subgraph with @external)."

    def arguments(self, member: FieldDefinition, selection: SelectedField) -> None:
        given = dict(selection.arguments)
        for name, value in given.items():
            argument = member.arguments.get(name)
            if argument is None:
                raise self.invalid(
                    f'Unknown argument "{name}" found in value: "{member.coordinate}" has no argument named "{name}"'
                )
            if problem := problem_with(value, argument.type, self.use.subgraph.schema):
                raise self.invalid(f'Invalid value for argument "{name}": {problem}')
        for name, argument in member.arguments.items():
            if name not in given and is_non_null(argument.type) and argument.default is UNSET:
                raise self.invalid(
                    f'Missing mandatory value for argument "{name}" of field "{member.coordinate}" in selection '
                    f'"{printed_selection((selection,))}"'
                )
            if name in given and isinstance(given[name], Variable):
                raise self.invalid(
                    f'Invalid value {printed(given[name])} for argument "{argument.coordinate}" of type {argument.type}'
                )


def refuse_arguments(use: FieldSetUse, member: FieldDefinition) -> Iterator[InvalidFieldSetError]:
    """Neither keys nor provisions may have arguments."""
    if member.arguments:
        name = f"@{use.subgraph.name_of(use.directive)}"
        yield InvalidFieldSetError(
            f"{use.prefix}_FIELDS_HAS_ARGS",
            f"field {member.coordinate} cannot be included because it has arguments (fields with argument are not allowed in {name})",
            member.node,
        )


def refuse_own(
    use: FieldSetUse, member: FieldDefinition, selection: SelectedField, *, above: bool
) -> Iterator[InvalidFieldSetError]:
    """A required or provided leaf must be resolved elsewhere: itself external, or below something external."""
    subgraph = use.subgraph
    if selection.selections or above or (member.name != "__typename" and subgraph.is_external(member)):
        return
    if member.coordinate in subgraph.fake_externals:
        why = (
            '"effectively" provided by this subgraph (while it is marked @external, it is a @key field of an extension type, which are '
            "not internally considered external for historical/backward compatibility reasons)"
        )
    else:
        why = "provided by this subgraph (it is not marked @external)"
    yield InvalidFieldSetError(
        f"{use.prefix}_FIELDS_MISSING_EXTERNAL",
        f'field "{member.coordinate}" should not be part of a @{subgraph.name_of(use.directive)} since it is already {why}',
        member.node,
    )
