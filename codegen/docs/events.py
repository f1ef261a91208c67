"""The reference of events: a page for each module, from the AsyncAPI document."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from codegen.docs.words import code, contents, fenced, heading, plain, table


def pages(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each page's path and text."""
    by_module: dict[str, list[str]] = defaultdict(list)
    for name, message in sorted(document["components"]["messages"].items()):
        module = message["tags"][0]["name"]
        by_module[module].append(_event(name, message, document["components"]["schemas"]))
    for module, events in sorted(by_module.items()):
        yield f"events/{module}", "\n".join([f"# Events of {module}\n", *events])
    said = "What the platform tells as it happens: CloudEvents 1.0 over webhooks, the feed of changes, and the broker."
    yield "events/index", contents("Events", said, sorted(by_module))


def _event(name: str, message: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    data = schemas.get(name, {})
    required = set(data.get("required", ()))
    rows = (
        (
            code(field) + ("" if field in required else " *(may be absent)*"),
            _type(schema),
            plain(schema.get("description")),
        )
        for field, schema in data.get("properties", {}).items()
    )
    example = next((one["payload"] for one in message.get("examples", ())), None)
    return "\n".join(
        [
            heading(2, name, f"event-{name.replace('.', '-').replace('_', '-')}"),
            plain(message.get("summary")) + "\n",
            table(("Data", "Type", "What it says"), rows),
            fenced("json", json.dumps(example, indent=2, ensure_ascii=False)) if example else "",
        ]
    )


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return code(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " ".join(code(str(one)) for one in schema["enum"])
    return code(str(schema.get("format") or schema.get("type") or "any"))
