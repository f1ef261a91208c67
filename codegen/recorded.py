"""One event of every version that was ever released, kept for good: what a consumer of today must still understand.

A recording is written once, when a version of an event is new, and never again. So a change of a payload that old events don't
survive is found by the tests that replay the recordings: it has to raise the version, and say how to read the one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from codegen.artifact import Artifact
from codegen.asyncapi import catalogue
from codegen.samples import envelope


def artifacts(root: Path) -> Iterator[Artifact]:
    """`contracts/events/recorded/<type>.v<version>.json` for every event; those that are there stay as they are."""
    for event, module in catalogue().items():
        path = f"contracts/events/recorded/{event.type}.v{event.schema_version}.json"
        fresh = Artifact(path, json.dumps(envelope(event, module), indent=2, ensure_ascii=False) + "\n")
        kept = fresh.written(root)
        yield Artifact(path, kept) if kept is not None else fresh
