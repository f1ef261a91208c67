"""Whether a literal fits an input type, as GraphQL coerces constants."""

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


def fits(value: Value, ref: TypeRef, schema: Schema) -> bool:
    """Whether a value can stand where a type is expected."""
    return problem_with(value, ref, schema) is None


def problem_with(value: Value, ref: TypeRef, schema: Schema) -> str | None:
    """What is wrong with a value."""
    if is_non_null(ref):
        return (
            f'Expected value of type "{ref}", found null.'
            if value is None
            else problem_with(value, nullable(ref), schema)
        )
    if value is None or isinstance(value, Variable):
        return None
    if is_list(ref):
        entries = value if isinstance(value, tuple) else (value,)
        return next((found for entry in entries if (found := problem_with(entry, item(ref), schema))), None)
    definition = schema.types.get(ref)
    if definition is None or definition.kind is Kind.SCALAR:
        return _scalar(value, ref)
    if definition.kind is Kind.ENUM:
        fine = isinstance(value, Name) and value.text in definition.values
        return None if fine else f'Value "{printed(value)}" does not exist in "{ref}" enum.'
    return _object(value, definition, schema)


def _scalar(value: Value, name: str) -> str | None:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    fine = {
        # Apollo has but one kind of number, of any size.
        "Int": is_int or (isinstance(value, float) and value.is_integer()),
        "Float": is_int or isinstance(value, float),
        "String": isinstance(value, str),
        "Boolean": isinstance(value, bool),
        "ID": isinstance(value, str) or is_int,
    }.get(name, True)
    kind = {"Int": "non-integer", "Float": "non numeric", "String": "a non string", "Boolean": "a non boolean"}.get(
        name, "a non string"
    )
    return None if fine else f"{name} cannot represent {kind} value {printed(value)}."


def _object(value: Value, definition: TypeDefinition, schema: Schema) -> str | None:
    if not isinstance(value, dict):
        return f'Expected value of type "{definition.name}", found {printed(value)}.'
    for name, entry in definition.inputs.items():
        # What is missing is not missed here: it is only at run time.
        if name in value and (found := problem_with(value[name], entry.type, schema)):
            return found
    unknown = next((name for name in value if name not in definition.inputs), None)
    return f'Field "{unknown}" is not defined by type "{definition.name}".' if unknown else None
