"""All events as one AsyncAPI 3 document: where they are published, what they look like, and an example of each.

A consumer in another language needs nothing else: the exchange, the routing keys, the envelope, and the payload of every type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from codegen.artifact import NOTICE, Artifact
from codegen.samples import envelope
from codegen.schemas import Schemas
from contracts.events import audit, jobs
from contracts.events.envelope import MEDIA_TYPE, Envelope, Event
from subgraphs import MODULES
from subgraphs.kit.broker.rabbitmq import EVENTS
from subgraphs.kit.module import load

_SCHEMAS = "#/components/schemas/"
_ABOUT = (
    "What happens in the platform, told as it happens: CloudEvents 1.0 in structured JSON, published to one topic "
    f"exchange, `{EVENTS}`, with the type of the event as its routing key. Bind a queue of your own to the keys that you want "
    "(`ticket.*`, `invoice.issued`, `#`). Delivery is at least once and in no promised order: keep the `id`s that you have "
    "handled, and compare `time` where order matters. Additions keep `schemaversion`; anything else raises it."
)


def artifact() -> Artifact:
    """`contracts/events/asyncapi.json`."""
    return Artifact("contracts/events/asyncapi.json", json.dumps(document(), indent=2, ensure_ascii=False) + "\n")


def catalogue() -> Mapping[type[Event], str]:
    """Every event with the module that tells it, by type."""
    told = dict.fromkeys(audit.CATALOGUE.values(), "audit") | dict.fromkeys(jobs.CATALOGUE.values(), "jobs")
    told |= {event: name for name in MODULES for event in load(name).events}
    return dict(sorted(told.items(), key=lambda one: one[0].type))


def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    events = catalogue()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:psa:events",
        "x-comment": NOTICE,
        "info": {"title": "Events of psa-platform", "version": "1.0.0", "description": _ABOUT, "tags": _tags(events)},
        "defaultContentType": MEDIA_TYPE,
        "servers": {"broker": _server()},
        "channels": {event.type: _channel(event, module) for event, module in events.items()},
        "operations": {f"tell.{event.type}": _operation(event) for event in events},
        "components": {
            "messages": {event.type: _message(event, module) for event, module in events.items()},
            "schemas": _schemas(events),
            "securitySchemes": {"password": {"type": "userPassword", "description": "A user of the broker."}},
        },
    }


def _tags(events: Mapping[type[Event], str]) -> list[dict[str, str]]:
    return [{"name": module} for module in sorted(set(events.values()))]


def _server() -> dict[str, Any]:
    return {
        "host": "{host}:{port}",
        "protocol": "amqps",
        "protocolVersion": "0.9.1",
        "description": "The installation's RabbitMQ.",
        "variables": {"host": {"description": "Its name or address."}, "port": {"default": "5671"}},
        "security": [{"$ref": "#/components/securitySchemes/password"}],
    }


def _channel(event: type[Event], module: str) -> dict[str, Any]:
    exchange = {"name": EVENTS, "type": "topic", "durable": True, "autoDelete": False}
    return {
        "address": event.type,
        "title": event.type,
        "description": _words(event),
        "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"}},
        "tags": [{"name": module}],
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }


def _operation(event: type[Event]) -> dict[str, Any]:
    channel = f"#/channels/{event.type}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": _words(event).splitlines()[0],
        "messages": [{"$ref": f"{channel}/messages/{event.type}"}],
        "bindings": {"amqp": {"deliveryMode": 2, "bindingVersion": "0.3.0"}},
    }


def _message(event: type[Event], module: str) -> dict[str, Any]:
    told = {
        "type": {"const": event.type},
        "subject": {"pattern": f"^{event.subject_type}/"},
        "dataschema": {"const": event.dataschema()},
        "schemaversion": {"const": event.schema_version},
        "data": {"$ref": f"{_SCHEMAS}{event.type}"},
    }
    return {
        "name": event.type,
        "title": event.type,
        "summary": _words(event).splitlines()[0],
        "contentType": MEDIA_TYPE,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {"allOf": [{"$ref": f"{_SCHEMAS}envelope"}, {"type": "object", "properties": told}]},
        "tags": [{"name": module}],
        "examples": [{"name": "example", "payload": envelope(event, module)}],
    }


def _schemas(events: Iterable[type[Event]]) -> dict[str, Any]:
    found = _named("envelope", Envelope)
    for event in events:
        found |= _named(event.type, event)
    return found


def _named(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model, and those within it, each under a name of its own."""
    inner = f"{_SCHEMAS}{name}.{{model}}"
    schema = model.model_json_schema(by_alias=True, mode="serialization", ref_template=inner, schema_generator=Schemas)
    within = {f"{name}.{part}": definition for part, definition in schema.pop("$defs", {}).items()}
    return {name: schema, **within}


def _words(event: type[Event]) -> str:
    return (event.__doc__ or event.type).strip()
