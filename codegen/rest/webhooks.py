"""The section `webhooks`: every event of the catalogue, as it is delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.events.envelope import Envelope

_DEFS: Final = "#/$defs/"
_ENVELOPE: Final = "EventEnvelope"


def of(events: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The webhooks by type of event, and the schemas that they need; `events` are the schemas of `data` by type."""
    schemas: dict[str, Any] = {}
    _keep(_ENVELOPE, Envelope.model_json_schema(), schemas)
    webhooks = {}
    for name, schema in sorted(events.items()):
        _keep(f"event.{name}", schema, schemas)
        described = " ".join(str(schema.get("description", name)).split())
        told = {
            "allOf": [
                _ref(_ENVELOPE),
                {"type": "object", "properties": {"type": {"const": name}, "data": _ref(f"event.{name}")}},
            ]
        }
        webhooks[name] = {
            "post": {
                "operationId": f"on.{name}",
                "summary": described.split(". ")[0].rstrip("."),
                "description": described,
                "tags": ["webhooks"],
                "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": told}}},
                "responses": {"2XX": {"description": "It arrived; anything else is tried again."}},
            }
        }
    return webhooks, schemas


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _keep(name: str, schema: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """Keep a schema under its name, and those inside of it beside it."""
    inner = dict(schema.get("$defs", {}))
    own = {key: one for key, one in schema.items() if key not in ("$defs", "$id", "$schema", "$comment")}
    schemas[name] = _moved(own, name)
    for part, one in inner.items():
        schemas[f"{name}.{part}"] = _moved(one, name)


def _moved(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {
            key: f"#/components/schemas/{name}.{one.removeprefix(_DEFS)}"
            if key == "$ref" and isinstance(one, str) and one.startswith(_DEFS)
            else _moved(one, name)
            for key, one in value.items()
        }
    return [_moved(one, name) for one in value] if isinstance(value, list) else value
