"""Events of every version that was ever released are still understood, and what is new is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codegen.asyncapi import catalogue
from contracts.events.envelope import Envelope, Event, WrongEvent

RECORDED = sorted((Path(__file__).parents[3] / "contracts/events/recorded").glob("*.json"))
EVENTS = {event.type: event for event in catalogue()}


def test_every_version_of_today_is_recorded() -> None:
    assert {f"{event.type}.v{event.schema_version}.json" for event in EVENTS.values()} <= {
        path.name for path in RECORDED
    }


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_was_ever_told_is_understood_today(path: Path) -> None:
    envelope = Envelope.from_json(path.read_bytes())
    event = EVENTS[envelope.type]

    assert path.name == f"{envelope.type}.v{envelope.schemaversion}.json"
    read = envelope.read(event).model_dump(mode="json")
    if envelope.schemaversion == event.schema_version:
        assert {name: read[name] for name in envelope.data} == envelope.data


class Moved(Event):
    """Something moved."""

    type = "thing.moved"
    subject_type = "Thing"
    schema_version = 3

    place: str

    @classmethod
    def upgraded(cls, version: int, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Version 2 said the place in two fields; version 1 did not say it."""
        return {"place": f"{data['room']}/{data['shelf']}"} if version == 2 else None


def told(version: int, data: Mapping[str, Any]) -> Envelope:
    some = json.loads(RECORDED[0].read_bytes())
    return Envelope.model_validate({**some, "type": "thing.moved", "schemaversion": version, "data": data})


def test_an_older_version_is_read_as_today_says_it() -> None:
    assert told(2, {"room": "A", "shelf": "7"}).read(Moved).place == "A/7"
    assert told(3, {"place": "B/1"}).read(Moved).place == "B/1"


@pytest.mark.parametrize("version", [1, 4])
def test_a_version_that_says_too_little_or_is_of_tomorrow_is_refused(version: int) -> None:
    with pytest.raises(WrongEvent, match=f"holds thing.moved version {version}, not thing.moved version 3"):
        told(version, {"place": "B/1", "room": "A"}).read(Moved)
