"""The variables of an operation as the JSON Schema of a tool's arguments: what an assistant has to fill in.

A named type becomes a definition of its own, so that inputs that contain themselves end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_required_input_field,
    type_from_ast,
    value_from_ast_untyped,
)

HIDDEN: Final = frozenset({"clientMutationId", "dryRun"})
"""What an input says that the endpoint says itself."""

Json = dict[str, Any]

_SCALARS: Final[Mapping[str, Json]] = {
    "Int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Decimal": {"type": "string", "description": "A decimal number."},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Time": {"type": "string", "format": "time"},
}


def schema_of(operation: OperationDefinitionNode, schema: GraphQLSchema) -> Json:
    """Return the JSON Schema of all variables together."""
    definitions: Json = {}
    properties: Json = {}
    required = []
    for variable in operation.variable_definitions or ():
        name = variable.variable.name.value
        kind = type_from_ast(schema, variable.type)
        properties[name] = _of(kind, definitions)
        if variable.default_value is not None:
            properties[name] = {**properties[name], "default": value_from_ast_untyped(variable.default_value)}
        elif isinstance(kind, GraphQLNonNull):
            required.append(name)
    found: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    if definitions:
        found["$defs"] = definitions
    return found


def _of(kind: Any, definitions: Json) -> Json:
    if isinstance(kind, GraphQLNonNull):
        return _there(kind.of_type, definitions)
    there = _there(kind, definitions)
    # Nothing is something to say, too: in a change it takes a value away.
    return there if there == {} else {"anyOf": [there, {"type": "null"}]}


def _there(kind: Any, definitions: Json) -> Json:
    if isinstance(kind, GraphQLList):
        return {"type": "array", "items": _of(kind.of_type, definitions)}
    if isinstance(kind, GraphQLInputObjectType | GraphQLEnumType):
        if kind.name not in definitions:
            definitions[kind.name] = {}  # so that it finds itself
            definitions[kind.name] = _defined(kind, definitions)
        return {"$ref": f"#/$defs/{kind.name}"}
    return dict(_SCALARS.get(kind.name, {}))


def _defined(kind: GraphQLInputObjectType | GraphQLEnumType, definitions: Json) -> Json:
    if isinstance(kind, GraphQLEnumType):
        return _described({"type": "string", "enum": list(kind.values)}, kind)
    shown = {name: member for name, member in kind.fields.items() if name not in HIDDEN}
    found: Json = {
        "type": "object",
        "properties": {name: _member(member, definitions) for name, member in shown.items()},
        "additionalProperties": False,
    }
    required = [name for name, member in shown.items() if is_required_input_field(member)]
    if required:
        found["required"] = required
    if getattr(kind, "is_one_of", False):
        found |= {"minProperties": 1, "maxProperties": 1}
    return _described(found, kind)


def _member(member: GraphQLInputField, definitions: Json) -> Json:
    found = _described(_of(member.type, definitions), member)
    return {**found, "deprecated": True} if member.deprecation_reason else found


def _described(found: Json, element: GraphQLInputField | GraphQLNamedType) -> Json:
    return {**found, "description": element.description} if element.description else found


def says(schema: GraphQLSchema, operation: OperationDefinitionNode, name: str) -> frozenset[str]:
    """Return the variables whose input has a field of this name (`dryRun`, say)."""
    kinds = {one.variable.name.value: type_from_ast(schema, one.type) for one in operation.variable_definitions or ()}
    return frozenset(
        variable
        for variable, kind in kinds.items()
        if kind is not None
        and isinstance(named := get_named_type(kind), GraphQLInputObjectType)
        and name in named.fields
    )
