"""The events of every module as JSON Schema, for consumers in any language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from codegen.artifact import NOTICE, Artifact
from contracts.events.envelope import Envelope, Event
from subgraphs import MODULES
from subgraphs.kit.module import Module, load

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def artifacts() -> Iterator[Artifact]:
    """`contracts/events/envelope.json`, and `contracts/events/<module>.json` for every module."""
    yield _written("envelope", {"$schema": DIALECT, "$comment": NOTICE, **Envelope.model_json_schema()})
    for name in MODULES:
        yield _written(name, _catalogue(load(name)))


def _written(name: str, schema: dict[str, Any]) -> Artifact:
    return Artifact(f"contracts/events/{name}.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def _catalogue(module: Module) -> dict[str, Any]:
    events = sorted(module.events, key=lambda event: event.type)
    return {
        "$schema": DIALECT,
        "$comment": NOTICE,
        "title": f"Events of {module.name}",
        "description": f"{module.purpose} Each entry describes `data` of an envelope (envelope.json).",
        "$defs": {event.type: _payload(event) for event in events},
    }


def _payload(event: type[Event]) -> dict[str, Any]:
    schema = event.model_json_schema(by_alias=True, mode="serialization", ref_template="#/$defs/{model}")
    return {"$id": event.dataschema(), **schema}
