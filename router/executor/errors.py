"""Collects everything that went wrong while one operation ran, as the client will read it.

A null in the answer needs at most one reason. Whoever reports an error also says which nulls it explains, so that the
projection, which meets these nulls later, doesn't report them a second time:

    explained   response paths at or below which an error was reported (an error deep in a subgraph may have
                bubbled up to any of its parents before it reached us, so all parents count)
    tainted     objects that miss fields because a fetch failed: any null field of theirs is explained, and below their
                fields what that fetch was to bring
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from router.executor.asked import Asked
from router.executor.redaction import Masking
from router.executor.transport import TransportFailure

log = structlog.get_logger(__name__)

ResponsePath = tuple[str | int, ...]

_NOTHING_BELOW = Asked()

_REASONS = {
    "UPSTREAM_UNAVAILABLE": "could not be reached",
    "UPSTREAM_TIMEOUT": "took too long to answer",
    "UPSTREAM_MALFORMED": "gave an answer that can't be read",
    "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE": "is not asked for that much",
    "FETCH_LIMIT_EXCEEDED": "would have to be asked too often",
    "RESPONSE_SIZE_LIMIT_EXCEEDED": "answered more than an operation may hold",
    "REQUEST_RATE_LIMITED": "is asked as often as it may be",
    "SUBGRAPH_CIRCUIT_BREAKER_REJECTED": "failed too often and is left alone for a while",
    "HOOK_REFUSED": "is not asked, or not believed",
    "NOT_CACHED": "is not asked, since only what is kept is wanted",
    "SUBGRAPH_CONCURRENCY_LIMITED": "is asked too much at the same time",
}


@dataclass(slots=True)
class Faults:
    """The errors of one operation, in the order in which they were found."""

    masking: Masking = field(default_factory=Masking)
    errors: list[dict[str, Any]] = field(default_factory=list)
    _explained: set[ResponsePath] = field(default_factory=set)
    _tainted: dict[ResponsePath, Asked] = field(default_factory=dict)
    _above: set[ResponsePath] = field(default_factory=set)  # all that stands above what is tainted

    def beside(self) -> Faults:
        """Collect the errors of another part of the same answer: what is explained in one is in both."""
        return Faults(self.masking, [], self._explained, self._tainted)

    def report(self, message: str, code: str, path: ResponsePath | None, **extensions: Any) -> None:
        """Add an error of our own."""
        self._add(message, path, {"code": code, **extensions})

    def fetch_failed(self, service: str, failure: TransportFailure, path: ResponsePath | None) -> None:
        """Add the one error of a fetch that brought nothing."""
        message = f"The service {service} {_REASONS[failure.code]}; its fields are null."
        extensions: dict[str, Any] = {"code": failure.code, "service": service, "reason": failure.reason}
        if failure.status is not None:
            extensions["http"] = {"status": failure.status}
        self._add(message, path, extensions)

    def pass_on(self, service: str, raw: Mapping[str, Any], path: ResponsePath | None) -> None:
        """Add an error that a service reported, with the path where the client sees it."""
        own, message = raw.get("extensions"), raw.get("message")
        if not isinstance(message, str):
            message = "The service gave no message."
        passed = self.masking.shown(service, message, own if isinstance(own, dict) else {})
        if passed.hidden:
            # The one place where the trace id of the client's error leads to.
            facts = {"error.message": message, "trace.id": self.masking.trace_id}
            log.warning("subgraph.error_masked", service=service, **facts, **_code_of(own))
        self._add(passed.message, path, {**passed.extensions, "service": service})

    def explain(self, path: ResponsePath) -> None:
        """Say that an error which was reported covers this place too (the same entity stands here again)."""
        self._explained.update(path[:length] for length in range(1, len(path) + 1))

    def taint(self, objects: Iterable[ResponsePath], missing: Asked = _NOTHING_BELOW) -> None:
        """Say that these objects miss fields for a reason that was reported, and what they miss below their fields."""
        for path in objects:
            known = self._tainted.get(path)
            self._tainted[path] = known.joined(missing) if known and known is not missing else missing
            self._above.update(path[:length] for length in range(len(path)))

    def explains(self, path: ResponsePath) -> bool:
        """Tell whether a null at this path has its error already."""
        if path in self._explained or path in self._tainted or path[:-1] in self._tainted:
            return True  # an object that misses its type is tainted itself
        return any(
            self._tainted[path[:length]].leads_along(path[length:])
            for length in range(len(path) - 1)
            if path[:length] in self._tainted
        )

    def tainted_near(self, path: ResponsePath) -> bool:
        """Tell whether data at, above or below this object are missing for a reason that was reported."""
        if path in self._above:
            return True
        upwards = (path[:length] for length in range(len(path) + 1))
        return any(above in self._tainted or above in self._explained for above in upwards)

    def _add(self, message: str, path: ResponsePath | None, extensions: dict[str, Any]) -> None:
        error: dict[str, Any] = {"message": message}
        if path:
            error["path"] = list(path)
            self.explain(path)
        error["extensions"] = extensions
        self.errors.append(error)


def _code_of(extensions: Any) -> dict[str, str]:
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return {"error.code": code} if isinstance(code, str) else {}
