"""The AsyncAPI document is valid, whole, and true: its examples are events that fit it, and that our own readers read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from codegen import asyncapi
from codegen.samples import sample
from contracts.events.envelope import Envelope
from subgraphs import MODULES
from subgraphs.kit.module import load

DOCUMENT = asyncapi.document()
EVENTS = asyncapi.catalogue()


def resolved(schema: Any) -> Any:
    """A schema whose references lead into the document."""
    return {**schema, "components": DOCUMENT["components"]}


def test_every_event_of_every_module_has_a_channel_a_message_and_an_operation() -> None:
    types = {event.type for name in MODULES for event in load(name).events}

    assert types <= DOCUMENT["channels"].keys()
    assert DOCUMENT["channels"].keys() == DOCUMENT["components"]["messages"].keys() == {event.type for event in EVENTS}
    assert {one["channel"]["$ref"] for one in DOCUMENT["operations"].values()} == {
        f"#/channels/{event.type}" for event in EVENTS
    }


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_example_fits_its_own_message_and_no_other_and_is_read(event: Any) -> None:
    message = DOCUMENT["components"]["messages"][event.type]
    example = message["examples"][0]["payload"]

    jsonschema.validate(example, resolved(message["payload"]))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**example, "type": "something.else"}, resolved(message["payload"]))
    Envelope.model_validate(example).read(event)


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return here + [one for inner in value.values() for one in references(inner)]
        return [one for inner in value for one in references(inner)] if isinstance(value, list) else []

    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            assert part in found, reference
            found = found[part]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "string", "enum": ["A", "B"]}, "A"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, True),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, ["2026-03-10"]),
        ({"type": "string", "maxLength": 2}, "na"),
        ({"type": "object"}, {}),
    ],
)
def test_a_sample_follows_from_its_schema(schema: Any, value: Any) -> None:
    assert sample(schema, schema, "name") == value
    jsonschema.validate(value, schema)


@pytest.fixture(scope="module")
def specification() -> Path:
    """AsyncAPI's own schema of AsyncAPI 3, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("LEFT OUT: AsyncAPI's own schema; it needs npm")
    folder = Path(os.environ.get("PSA_TEST_NODE", Path(tempfile.gettempdir()) / "psa-test-node")) / "asyncapi"
    schema = folder / "node_modules/@asyncapi/specs/schemas/3.0.0.json"
    if not schema.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "@asyncapi/specs@6.11"]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("LEFT OUT: AsyncAPI's own schema; npm can't install @asyncapi/specs")
    return schema


@pytest.mark.node
@pytest.mark.timeout(180)
def test_the_document_is_valid_asyncapi(specification: Path) -> None:
    validator = jsonschema.Draft7Validator(json.loads(specification.read_text(encoding="utf-8")))

    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    assert list(validator.iter_errors({**DOCUMENT, "channels": {"x": {"address": 7}}})), "the schema finds faults"
