"""Names the place where the client misses something after a fetch brought nothing.

A fetch asks for what the client wants and for keys that only we want. The place to name is the first response key, in
the client's order, that stands in the client's operation and in the fetch's.
"""

from __future__ import annotations

from typing import Any

from router.executor.asked import Asked, below, fields, fragments, key
from router.executor.errors import ResponsePath
from router.executor.operation import Operation
from router.planner.query_plan import Fetch


def first_missing(node: Fetch, at: ResponsePath, operation: Operation) -> ResponsePath | None:
    """Return the response path of the first field that the client asked for and this fetch was to bring to `at`."""
    keys = asked(node, operation).keys
    for wanted in _wanted(operation, at):
        if wanted in keys:
            return (*at, wanted)
    return at or None


def asked(node: Fetch, operation: Operation) -> Asked:
    """Return what a fetch brings to its own place."""
    return operation.text_of(node).meant


def led(answer: Any, raw: ResponsePath, where: ResponsePath, whole: Asked) -> ResponsePath:
    """Return as much of an error's path as leads somewhere: to fields that were asked for, and elements that lists have.

    `raw` is the path in the subgraph's words and `where` in the client's. A client that looks for a place that its answer
    doesn't have finds nothing, or fails.
    """
    value = answer
    for depth, step in enumerate(raw):
        if isinstance(step, str):
            if not whole.leads_along(where[: depth + 1]):
                return where[:depth]
            value = value.get(step) if isinstance(value, dict) else None
        elif isinstance(value, list) and 0 <= step < len(value):
            value = value[step]
        elif value is not None:
            return where[:depth]
    return where


def _wanted(operation: Operation, at: ResponsePath) -> list[str]:
    known = fragments(operation.document)
    found = list(fields(operation.definition.selection_set, known))
    for step in at:
        if isinstance(step, str):
            found = below(found, step, known)
    return [key(field) for field in found]
