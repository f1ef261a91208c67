"""The kinds of things and values of the graph as JSON Schema (draft 2020-12, as OpenAPI 3.1 has it)."""

from __future__ import annotations

from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    Undefined,
)

from router.rest.api import Api
from router.rest.values import is_required

Schema = dict[str, Any]

_SCALARS: Final[dict[str, Schema]] = {
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Date": {"type": "string", "format": "date"},
    "Decimal": {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,6})?$"},
    "JSON": {},
}
_WRITABLE: Final = {"pattern": "^[^\\u0000]*$"}


class Schemas:
    """Collects the schemas that a document needs, by name."""

    def __init__(self, api: Api) -> None:
        self.named: dict[str, Schema] = {}
        self._api = api
        self._guarded = api.view.guarded()

    def thing(self, kind: GraphQLObjectType) -> Schema:
        """A reference to the schema of a thing as it's answered."""
        if kind.name not in self.named:
            schema: Schema = {"type": "object", "title": kind.name}
            self.named[kind.name] = schema
            if kind.description:
                schema["description"] = kind.description
            properties: dict[str, Schema] = {}
            schema["properties"] = properties
            for name, one in self._api.representations.fields_of(kind).items():
                schema_of_one = self._answered(one.type)
                self._describe(schema_of_one, one)
                scopes = self._guarded.get(f"{kind.name}.{name}")
                if scopes:
                    schema_of_one["x-required-scopes"] = scopes
                properties[name] = schema_of_one
            if self._api.representations.is_addressed(kind.name):
                properties["href"] = {
                    "type": ["string", "null"],
                    "format": "uri-reference",
                    "description": "Where it is found; there when something else points at it.",
                }
            if "id" in properties:
                schema["required"] = ["id"]
        return _ref(kind.name)

    def body(self, name: str, members: dict[str, Any], description: str | None, *, some: bool = False) -> Schema:
        """A reference to the schema of a body with these fields of an input; `some` where one at least must be given."""
        schema = self._object(members, description)
        if some:
            schema["minProperties"] = 1
        self.named[name] = schema
        return _ref(name)

    def taken(self, kind: Any) -> Schema:
        """The schema of a value that is taken."""
        if isinstance(kind, GraphQLNonNull):
            return self._taken_value(kind.of_type)
        return _nullable(self._taken_value(kind))

    def leaf(self, kind: Any) -> Schema:
        """The schema of a value without parts."""
        if isinstance(kind, GraphQLEnumType):
            return self._enum(kind)
        known = _SCALARS.get(kind.name)
        if known is not None:
            return dict(known)
        schema: Schema = {"type": "string"}
        if isinstance(kind, GraphQLScalarType) and kind.description:
            schema["description"] = kind.description
        return schema

    def _object(self, members: dict[str, Any], description: str | None) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
        if description:
            schema["description"] = description
        for name, member in members.items():
            one = self.taken(member.type)
            self._describe(one, member)
            if member.default_value not in (Undefined, None):
                one["default"] = member.default_value
            schema["properties"][name] = one
        required = [name for name, member in members.items() if is_required(member)]
        if required:
            schema["required"] = required
        return schema

    def _taken_value(self, kind: Any) -> Schema:
        match kind:
            case GraphQLList():
                return {"type": "array", "items": self.taken(kind.of_type)}
            case GraphQLInputObjectType():
                if kind.name not in self.named:
                    self.named[kind.name] = {}
                    self.named[kind.name] = self._object(dict(kind.fields), kind.description)
                return _ref(kind.name)
            case _:
                schema = self.leaf(kind)
                # What PostgreSQL can't hold; half a surrogate pair is refused, too, and no expression of all dialects can say so.
                return {**schema, **_WRITABLE} if schema == {"type": "string"} else schema

    def _answered(self, kind: Any) -> Schema:
        if isinstance(kind, GraphQLNonNull):
            return self._answered_value(kind.of_type)
        return _nullable(self._answered_value(kind))

    def _answered_value(self, kind: Any) -> Schema:
        match kind:
            case GraphQLList():
                return {"type": "array", "items": self._answered(kind.of_type)}
            case GraphQLObjectType():
                return dict(self.thing(kind))
            case _:
                return self.leaf(kind)

    def _enum(self, kind: GraphQLEnumType) -> Schema:
        if kind.name not in self.named:
            words = [f"* `{name}`: {one.description}" for name, one in kind.values.items() if one.description]
            described = "\n".join([*([kind.description] if kind.description else []), *words])
            self.named[kind.name] = {"type": "string", "enum": list(kind.values), "description": described}
        return _ref(kind.name)

    def _describe(self, schema: Schema, member: Any) -> None:
        if member.description:
            schema["description"] = member.description
        if member.deprecation_reason is not None:
            schema["deprecated"] = True
            schema["description"] = f"{member.description or ''} Deprecated: {member.deprecation_reason}".strip()


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return schema
