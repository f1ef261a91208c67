"""An example of anything that a JSON Schema describes: the same one every time, made from the schema alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from codegen.schemas import Schemas
from contracts.events.envelope import Envelope, Event

Schema = Mapping[str, Any]

_NAMES = UUID("5f1d0000-0000-4000-8000-000000000000")
_FORMATS = {
    "decimal": "12.50",
    "date": "2026-03-10",
    "date-time": "2026-03-10T09:30:00Z",
    "time": "09:30:00",
    "duration": "PT15M",
    "email": "anna@example.com",
    "uri": "https://example.com/",
    "ipvanyaddress": "192.0.2.7",
}


def envelope(event: type[Event], module: str) -> dict[str, Any]:
    """An event of this type on its way, as JSON."""
    payload = event.model_json_schema(by_alias=True, mode="serialization", schema_generator=Schemas)
    made = Envelope(
        id=_uuid(event.type, "id"),
        source=f"/psa/{module}",
        type=event.type,
        subject=f"{event.subject_type}/{_uuid(event.type, 'subject')}",
        time=datetime(2026, 3, 10, 9, 30, tzinfo=UTC),
        dataschema=event.dataschema(),
        tenantid=_uuid(event.type, "tenant"),
        actorkind="USER",
        actorid=_uuid(event.type, "actor"),
        correlationid="0af7651916cd43dd8448eb211c80319c",
        schemaversion=event.schema_version,
        data=sample(payload, payload, event.type),
    )
    return made.model_dump(mode="json")


def sample(schema: Schema, root: Schema, name: str) -> Any:
    """A value that fits; `root` holds the definitions, `name` makes identifiers differ from each other."""
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].rpartition("/")[2]], root, name)
    for fixed in ("const", "default"):
        if schema.get(fixed) is not None:
            return schema[fixed]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample(schema[choice][0], root, name)
    return _of_type(schema, root, name)


def _of_type(schema: Schema, root: Schema, name: str) -> Any:
    match schema.get("type"):
        case "object":
            return {key: sample(inner, root, f"{name}.{key}") for key, inner in schema.get("properties", {}).items()}
        case "array":
            one = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
            return [sample(one, root, name)] if one else []
        case "string":
            return _string(schema, name)
        case kind:
            plain = {"integer": max(1, schema.get("minimum", 1)), "number": 1.5, "boolean": True, "null": None}
            return plain.get(str(kind), {})


def _string(schema: Schema, name: str) -> str:
    if schema.get("format") == "uuid":
        return str(_uuid(name, "value"))
    text = _FORMATS.get(str(schema.get("format")), name.rpartition(".")[2])
    return text[: int(schema.get("maxLength", len(text)))]


def _uuid(*parts: str) -> UUID:
    return uuid5(_NAMES, "/".join(parts))
