"""Names the place where the client misses something after a fetch brought nothing.

A fetch asks for what the client wants and for keys that only we want. The place to name is the first response key, in
the client's order, that stands in the client's operation and in the fetch's.
"""

from __future__ import annotations

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


def _wanted(operation: Operation, at: ResponsePath) -> list[str]:
    known = fragments(operation.document)
    found = list(fields(operation.definition.selection_set, known))
    for step in at:
        if isinstance(step, str):
            found = below(found, step, known)
    return [key(field) for field in found]
