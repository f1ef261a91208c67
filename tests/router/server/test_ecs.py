"""A line of the log is an ECS document, whatever it's about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from router.server.ecs import line


def written(**event: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(line(None, "info", event))
    return document


def test_dots_open_objects() -> None:
    document = written(event="request", **{"http.request.method": "GET", "http.request.id": "r", "tenant": "t"})
    at = datetime.fromisoformat(document.pop("@timestamp"))

    assert document == {
        "log": {"level": "info"},
        "message": "request",
        "http": {"request": {"method": "GET", "id": "r"}},
        "tenant": "t",
        "ecs.version": "1.6.0",
    }
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


def test_a_value_where_an_object_has_to_be_is_kept() -> None:
    assert written(event="x", **{"a": 1, "a.b": 2})["a"] == {"value": 1, "b": 2}


def test_a_stack_trace_stands_where_ecs_has_it() -> None:
    document = written(event="x", exception="Traceback …", **{"error.message": "No."})

    assert document["error"] == {"stack_trace": "Traceback …", "message": "No."}


def test_whatever_the_value_is_a_line_comes_of_it() -> None:
    assert written(event="x", value={1: {"odd"}, "ä": b"\xff"})["value"] == {"1": "{'odd'}", "ä": "b'\\xff'"}
