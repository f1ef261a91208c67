"""The section `webhooks`: every event of the catalogue, as it is posted to those who subscribed to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_MESSAGE: Final = "WebhookMessage"
_TEXT: Final = {"type": "string"}
_ID: Final = {"type": "string", "format": "uuid"}

_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "An event, told thinly: what happened to what, and when. Read the thing itself from the API, or store a"
    " query with the webhook: its answer is sent along.",
    "required": ["id", "type", "timestamp", "data"],
    "properties": {
        "id": {**_ID, "description": "The event, and the header `webhook-id`; the same again is the same event."},
        "type": {**_TEXT, "description": "What happened."},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
        "data": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": {**_ID, "description": "The thing that it happened to."},
                "type": {**_TEXT, "description": "What kind of thing that is, by its type in the graph."},
                "customerId": {"type": ["string", "null"], "format": "uuid", "description": "Whose it is."},
                "correlationId": {"type": ["string", "null"], "description": "The request that began it all."},
                "changed": {"type": "array", "items": _TEXT, "description": "Which fields changed."},
            },
        },
        "graphql": {
            "type": "object",
            "description": "The answer to the webhook's own query.",
            "properties": {
                "data": {"type": ["object", "null"]},
                "errors": {"type": "array", "items": {"type": "object"}},
            },
        },
    },
}

_HEADERS: Final[Mapping[str, str]] = {
    "webhook-id": "The event; constant over all attempts.",
    "webhook-timestamp": "When this attempt was signed, in seconds since 1970.",
    "webhook-signature": "Standard Webhooks: `v1,` and HMAC-SHA256 of `id.timestamp.body` in base64; two while a secret is replaced.",
    "X-PSA-Signature": "`t=<seconds>,v1=<HMAC-SHA256 of timestamp.body in hexadecimal digits>`.",
}


def of(events: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The webhooks by type of event, and the schema that they share; `events` are the schemas of `data` by type."""
    return {name: {"post": _posted(name, schema)} for name, schema in sorted(events.items())}, {_MESSAGE: dict(_SCHEMA)}


def _posted(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    described = " ".join(str(schema.get("description", name)).split())
    told = {
        "allOf": [
            {"$ref": f"#/components/schemas/{_MESSAGE}"},
            {"type": "object", "properties": {"type": {"const": name}}},
        ]
    }
    return {
        "operationId": f"on.{name}",
        "summary": described.split(". ")[0].rstrip("."),
        "description": described,
        "tags": ["webhooks"],
        # Nobody signs in to be told: who we are, the signature says.
        "security": [],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": means, "schema": _TEXT}
            for header, means in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": told}}},
        "responses": {
            "2XX": {"description": "It arrived; anything else is tried again."},
            "410": {"description": "There is nobody here any more: the webhook is switched off."},
            "429": {"description": "Too much: with `Retry-After`, nothing is sent until then."},
        },
    }
