"""Default values as their types read them: enum values and texts are told apart by the type, not by how they are written."""

from __future__ import annotations

from router.federation.elements import (
    UNSET,
    InputValue,
    Kind,
    Name,
    Schema,
    TypeRef,
    Value,
    elements,
    is_list,
    item,
    nullable,
)


def type_defaults(schema: Schema) -> None:
    """Give every default value of a schema the form that its type has."""
    for definition in schema.types.values():
        for element in elements(definition):
            if isinstance(element, InputValue):
                _type_default(element, schema)
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            _type_default(argument, schema)


def _type_default(element: InputValue, schema: Schema) -> None:
    if element.default is not UNSET:
        element.default = typed(element.default, element.type, schema)


def typed(value: Value, ref: TypeRef, schema: Schema) -> Value:
    """The value as a type reads it; what does not fit stays as it is."""
    ref = nullable(ref)
    if is_list(ref):
        inner = item(ref)
        return (
            tuple(typed(entry, inner, schema) for entry in value)
            if isinstance(value, tuple)
            else typed(value, inner, schema)
        )
    definition = schema.types.get(ref)
    match value:
        case str() if definition is not None and definition.kind is Kind.ENUM:
            return Name(value) if value in definition.values else value
        case dict() if definition is not None and definition.kind is Kind.INPUT:
            known = definition.inputs
            return {n: typed(v, known[n].type, schema) if n in known else v for n, v in value.items()}
        case Name(text) if definition is None or definition.kind is not Kind.ENUM:
            return text
        case _:
            return untyped(value) if definition is None or definition.kind is Kind.SCALAR else value


def untyped(value: Value) -> Value:
    """The value where no type is known: an enum value is a text."""
    match value:
        case Name(text):
            return text
        case tuple():
            return tuple(untyped(entry) for entry in value)
        case dict():
            return {name: untyped(entry) for name, entry in value.items()}
        case _:
            return value
