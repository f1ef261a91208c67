"""@context and @fromContext: a context has a name and is set somewhere; what is read from it is one value of the right type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from router.composition.validation.field_sets import InvalidFieldSetError
from router.federation.codes import CompositionError
from router.federation.elements import (
    UNSET,
    FieldDefinition,
    InputValue,
    Kind,
    TypeDefinition,
    TypeRef,
    is_list,
    is_non_null,
    item,
    named,
    nullable,
)
from router.federation.fieldsets import (
    FieldSet,
    FieldSetSyntaxError,
    Fragment,
    SelectedField,
    context_selection,
    parse,
    walk,
)
from router.federation.subgraph import Subgraph

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all contexts of a subgraph."""
    contexts: dict[str, list[TypeDefinition]] = {}
    for definition in subgraph.types.values():
        for application in subgraph.applications(definition, "context"):
            name = application.arguments.get("name")
            if isinstance(name, str) and "_" in name:
                message = f'Context name "{name}" may not contain an underscore.'
            elif not isinstance(name, str) or not _NAME.fullmatch(name):
                message = f'Context name "{name}" is invalid. It should have only alphanumeric characters.'
            else:
                contexts.setdefault(name, []).append(definition)
                continue
            yield subgraph.error("CONTEXT_NAME_INVALID", message, application.node)
    yield from _check_reads(subgraph, contexts)


def _check_reads(subgraph: Subgraph, contexts: dict[str, list[TypeDefinition]]) -> Iterator[CompositionError]:
    for definition in subgraph.types.values():
        for member in definition.fields.values():
            for argument in member.arguments.values():
                if subgraph.has(argument, "fromContext"):
                    yield from _check_read(subgraph, contexts, definition, member, argument)


def _check_read(
    subgraph: Subgraph,
    contexts: dict[str, list[TypeDefinition]],
    definition: TypeDefinition,
    member: FieldDefinition,
    argument: InputValue,
) -> Iterator[CompositionError]:
    application = subgraph.application(argument, "fromContext")
    node = application.node if application else None
    if definition.kind is Kind.INTERFACE:
        yield subgraph.error(
            "CONTEXT_NOT_SET",
            f'@fromContext argument cannot be used on a field that exists on an abstract type "{argument.coordinate}".',
            node,
        )
        return
    for name in definition.interfaces:
        interface = subgraph.schema.types.get(name)
        if interface is not None and member.name in interface.fields:
            yield subgraph.error(
                "CONTEXT_NOT_SET",
                f'@fromContext argument cannot be used on a field implementing an interface field "{name}.{member.name}".',
                member.node,
            )
    if argument.default is not UNSET:
        yield subgraph.error(
            "CONTEXT_NOT_SET", f'@fromContext arguments may not have a default value: "{argument.coordinate}".', node
        )
    text = application.arguments.get("field") if application else None
    found = context_selection(text)
    if found is None:
        message = f'@fromContext argument does not reference a context "{text if isinstance(text, str) else ""}".'
        yield subgraph.error("NO_CONTEXT_IN_SELECTION", message, node)
    elif found[0] not in contexts:
        message = f'Context "{found[0]}" is used at location "{argument.coordinate}" but is never set.'
        yield subgraph.error("CONTEXT_NOT_SET", message, node)
    else:
        yield from _check_selection(subgraph, found[0], found[1], contexts[found[0]], argument)
    if all(key.arguments.get("resolvable") is False for key in subgraph.keys(definition)):
        yield subgraph.error(
            "CONTEXT_NO_RESOLVABLE_KEY",
            f'Object "{definition.name}" has no resolvable key but has a field with a contextual argument.',
            definition.last_part,
        )


def _check_selection(
    subgraph: Subgraph, context: str, text: str, locations: list[TypeDefinition], argument: InputValue
) -> Iterator[CompositionError]:
    head = f'Context "{context}" is used in "{argument.coordinate}" but the selection is invalid'
    try:
        selections = _parse(text)
        yield from (
            subgraph.error("CONTEXT_INVALID_SELECTION", f"{head}{problem}", argument.node)
            for problem in _abstract_conditions(subgraph, selections)
        )
        used: set[str] = set()
        for location in locations:
            for name in _interface_objects(subgraph, selections, location):
                message = f'Context "is used in "{argument.coordinate}" but the selection is invalid: One of the types in the selection is an interfaceObject: "{name}"'
                yield subgraph.error("CONTEXT_INVALID_SELECTION", message, argument.node)
            used |= _check_location(subgraph, selections, location, argument)
        for fragment in selections:
            if isinstance(fragment, Fragment) and fragment.on is not None and fragment.on not in used:
                raise _invalid(f': type condition "{fragment.on}" is never used.')
    except InvalidFieldSetError as error:
        yield subgraph.error("CONTEXT_INVALID_SELECTION", f"{head}{error}", argument.node)


def _interface_objects(subgraph: Subgraph, selections: FieldSet, parent: TypeDefinition) -> Iterator[str]:
    """The types on the way whose real types this subgraph does not know."""
    if any(isinstance(selection, SelectedField) for selection in selections) and subgraph.is_interface_object(parent):
        yield parent.name
    for selection in selections:
        if isinstance(selection, Fragment):
            inner = subgraph.schema.types.get(selection.on or parent.name)
            if inner is not None and subgraph.schema.is_subtype(inner.name, parent.name):
                yield from _interface_objects(subgraph, selection.selections, inner)
        elif selection.selections and (member := parent.fields.get(selection.name)) is not None:
            inner = subgraph.schema.types.get(named(member.type))
            if inner is not None:
                yield from _interface_objects(subgraph, selection.selections, inner)


def _abstract_conditions(subgraph: Subgraph, selections: FieldSet) -> Iterator[str]:
    for fragment in selections:
        condition = subgraph.schema.types.get(fragment.on or "") if isinstance(fragment, Fragment) else None
        if condition is not None and condition.kind is not Kind.OBJECT:
            yield ': type conditions must be an object type"'


def _invalid(message: str) -> InvalidFieldSetError:
    return InvalidFieldSetError("CONTEXT_INVALID_SELECTION", message)


def _parse(text: str) -> FieldSet:
    try:
        selections = parse(text)
    except FieldSetSyntaxError as error:
        raise _invalid(f": {error}") from None
    for selection in walk(selections):
        if selection.directives:
            raise _invalid(": directives are not allowed in the selection")
        if isinstance(selection, SelectedField) and selection.alias:
            raise _invalid(": aliases are not allowed in the selection")
    return selections


def _check_location(
    subgraph: Subgraph, selections: FieldSet, location: TypeDefinition, argument: InputValue
) -> set[str]:
    """Check what is read where a context is set; tell the type conditions that apply there."""
    fragments = [entry for entry in selections if isinstance(entry, Fragment)]
    if not fragments:
        _check_type(_type_of(subgraph, selections, location, location), argument)
        return set()
    if len(fragments) < len(selections):
        raise _invalid(": multiple selections are made")
    matched: set[str] = set()
    for name in sorted(subgraph.schema.runtime_types(location.name)) or [location.name]:
        for fragment in fragments:
            if fragment.on in {None, name}:
                matched.add(name)
                target = subgraph.schema.types[name]
                _check_type(_type_of(subgraph, fragment.selections, target, location), argument)
    if not matched:
        raise _invalid(f': no type condition matches the location "{location.name}"')
    return matched


def _check_type(found: TypeRef, argument: InputValue) -> None:
    # A context may be missing, hence whatever is read from it can be null.
    nullable_type = found.replace("!", "")
    if nullable_type != argument.type:
        raise _invalid(
            f': the type of the selection "{nullable_type}" does not match the expected type "{argument.type}"'
        )


def _type_of(subgraph: Subgraph, selections: FieldSet, parent: TypeDefinition, location: TypeDefinition) -> TypeRef:
    """The type of the one value that is selected; it can be null if anything on the way can be."""
    if len(selections) != 1:
        raise _invalid(": multiple selections are made")
    (selection,) = selections
    if isinstance(selection, Fragment):
        inner = subgraph.schema.types.get(selection.on or "", parent)
        return _type_of(subgraph, selection.selections, inner, location)
    member = parent.fields.get(selection.name)
    if member is None:
        raise _invalid(
            f' for type {location.name}. Error: Cannot query field "{selection.name}" on type "{parent.name}".'
        )
    base = subgraph.schema.types.get(named(member.type))
    if base is None or not base.is_composite:
        return member.type
    if not selection.selections:
        raise _invalid(
            f' for type {location.name}. Error: Invalid empty selection set for field "{member.coordinate}" of non-leaf type {member.type}'
        )
    inner_type = _type_of(subgraph, selection.selections, base, location)
    return _wrapped(member.type, inner_type)


def _wrapped(outer: TypeRef, inner: TypeRef) -> TypeRef:
    if is_list(outer):
        rest = f"[{_wrapped(item(outer), inner)}]"
        return f"{rest}!" if is_non_null(outer) else rest
    return inner if is_non_null(outer) else nullable(inner)
