"""The events of every module as JSON Schema, for consumers in any language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from codegen.artifact import NOTICE, Artifact
from codegen.schemas import Schemas
from contracts.events import audit, jobs
from contracts.events.envelope import Envelope, Event
from subgraphs import MODULES
from subgraphs.kit.module import load

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def artifacts() -> Iterator[Artifact]:
    """`contracts/events/envelope.json`, `audit.json`, `jobs.json`, and `<module>.json` for every module."""
    yield _written("envelope", {"$schema": DIALECT, "$comment": NOTICE, **Envelope.model_json_schema()})
    purpose = "What the audit of every module tells."
    yield _written("audit", _catalogue("audit", purpose, audit.CATALOGUE.values()))
    purpose = "What every module tells of its long jobs."
    yield _written("jobs", _catalogue("jobs", purpose, jobs.CATALOGUE.values()))
    for name in MODULES:
        module = load(name)
        yield _written(name, _catalogue(name, module.purpose, module.events))


def payloads() -> dict[str, dict[str, Any]]:
    """The schema of `data` of every event, by type."""
    told = [
        *audit.CATALOGUE.values(),
        *jobs.CATALOGUE.values(),
        *(event for name in MODULES for event in load(name).events),
    ]
    return {event.type: _payload(event) for event in told}


def _written(name: str, schema: dict[str, Any]) -> Artifact:
    return Artifact(f"contracts/events/{name}.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def _catalogue(name: str, purpose: str, events: Iterable[type[Event]]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$comment": NOTICE,
        "title": f"Events of {name}",
        "description": f"{purpose} Each entry describes `data` of an envelope (envelope.json).",
        "$defs": {event.type: _payload(event) for event in sorted(events, key=lambda event: event.type)},
    }


def _payload(event: type[Event]) -> dict[str, Any]:
    schema = event.model_json_schema(
        by_alias=True, mode="serialization", ref_template="#/$defs/{model}", schema_generator=Schemas
    )
    return {"$id": event.dataschema(), **schema}
