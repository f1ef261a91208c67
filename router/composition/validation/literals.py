"""Whether a literal fits an input type: leniently where it is written in a schema, strictly where it is written in a field set."""

from __future__ import annotations

from router.federation.elements import (
    Kind,
    Name,
    Schema,
    TypeDefinition,
    TypeRef,
    Value,
    Variable,
    is_list,
    is_non_null,
    item,
    nullable,
    printed,
)

_INT_32 = range(-(2**31), 2**31)


def fits(value: Value, ref: TypeRef, schema: Schema) -> bool:
    """Whether a value can stand where a type is expected, as GraphQL coerces constants."""
    if is_non_null(ref):
        return value is not None and fits(value, nullable(ref), schema)
    if value is None or isinstance(value, Variable):
        return True
    if is_list(ref):
        entries = value if isinstance(value, tuple) else (value,)
        return all(fits(entry, item(ref), schema) for entry in entries)
    definition = schema.types.get(ref)
    if definition is None or definition.kind is Kind.SCALAR:
        return _fits_scalar(value, ref)
    if definition.kind is Kind.ENUM:
        return isinstance(value, Name) and value.text in definition.values
    return isinstance(value, dict) and _fits_object(value, definition, schema)


def _fits_scalar(value: Value, name: str) -> bool:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    return {
        # Apollo has but one kind of number, of any size.
        "Int": is_int or (isinstance(value, float) and value.is_integer()),
        "Float": is_int or isinstance(value, float),
        "String": isinstance(value, str),
        "Boolean": isinstance(value, bool),
        "ID": isinstance(value, str) or is_int,
    }.get(name, True)


def _fits_object(value: dict[str, Value], definition: TypeDefinition, schema: Schema) -> bool:
    """What is missing is not missed here: it is only at run time."""
    return value.keys() <= definition.inputs.keys() and all(
        fits(entry, definition.inputs[name].type, schema) for name, entry in value.items()
    )


def problem_with(value: Value, ref: TypeRef, schema: Schema) -> str | None:
    """What is wrong with a value in a field set."""
    if isinstance(value, Variable) or value is None:
        return f'Invalid null value for non-null type "{ref}"' if value is None and is_non_null(ref) else None
    ref = nullable(ref)
    if is_list(ref):
        entries = value if isinstance(value, tuple) else (value,)
        return next((found for entry in entries if (found := problem_with(entry, item(ref), schema))), None)
    definition = schema.types.get(ref)
    if definition is None or definition.kind is Kind.SCALAR:
        return _problem_with_scalar(value, ref)
    if definition.kind is Kind.ENUM:
        return _problem_with_name(value, definition)
    return _problem_with_object(value, definition, schema)


def _problem_with_scalar(value: Value, name: str) -> str | None:
    if _fits_scalar(value, name) and not (name == "Int" and isinstance(value, float)):
        too_big = name == "Int" and value not in _INT_32
        return f"Int cannot represent non 32-bit signed integer value {printed(value)}." if too_big else None
    if name == "Float":
        return f"Float can only represent integer or float value, but got a {_node_kind(value)}."
    told = printed(value) + (".0" if isinstance(value, float) and value.is_integer() else "")
    words = {"Int": "non-integer ", "Boolean": "a non boolean ", "String": "non string "}.get(name, "")
    return f"{name} cannot represent {words}value {told}."


def _node_kind(value: Value) -> str:
    """What GraphQL calls a literal that is no number."""
    match value:
        case bool():
            return "BooleanValue"
        case str():
            return "StringValue"
        case Name():
            return "EnumValue"
        case tuple():
            return "ListValue"
        case _:
            return "ObjectValue"


def _problem_with_name(value: Value, definition: TypeDefinition) -> str | None:
    """A name may stand in quotes here."""
    text = value.text if isinstance(value, Name) else value
    if not isinstance(text, str):
        return f"Enum Type {definition.name} cannot represent value {printed(value)}."
    return None if text in definition.values else f"Enum Type {definition.name} has no value {text}."


def _problem_with_object(value: Value, definition: TypeDefinition, schema: Schema) -> str | None:
    if not isinstance(value, dict):
        return f"Input Object Type {definition.name} cannot represent non-object value {printed(value)}."
    for name, entry in value.items():
        if name not in definition.inputs:
            return f'Unknown field "{name}" found in value for Input Object Type "{definition.name}".'
        if found := problem_with(entry, definition.inputs[name].type, schema):
            return found
    return None
