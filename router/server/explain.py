"""Tells a developer how an operation was answered: each fetch with its time, its entities and what was spared (`extensions.trace`).

    PSA-Expose-Trace: true   ─►   "trace": {"version": 1, "fetches": [{"service": "tickets", "path": "customer", …}], "withheld": […]}

Who may see plans may see it; nobody else pays for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from router.executor.errors import ResponsePath
from router.executor.fetch import OK
from router.executor.transport import SubgraphResponse, TransportFailure
from router.planner.query_plan import Fetch

HEADER: Final = "psa-expose-trace"
EXTENSION: Final = "trace"


@dataclass(slots=True)
class Trace:
    """The fetches of one operation; `kept` is whether answers may come from the router's cache."""

    kept: bool = False
    began: float = field(default_factory=time.perf_counter)
    fetches: list[dict[str, Any]] = field(default_factory=list)

    @property
    def extension(self) -> Mapping[str, Any]:
        """What the answer says; it fills while the operation runs."""
        return {"version": 1, "fetches": self.fetches}

    async def watch(
        self, node: Fetch, where: ResponsePath, places: int, entities: int, answer: Awaitable[SubgraphResponse]
    ) -> SubgraphResponse:
        """Wait for an answer and note how it went."""
        noted: dict[str, Any] = {
            "service": node.service_name,
            "path": ".".join("@" if isinstance(step, int) else step for step in where),
            "operation": node.operation,
            "startMs": _milliseconds(time.perf_counter() - self.began),
            "entities": entities,
            "places": places,
        }
        self.fetches.append(noted)
        started, outcome, response = time.perf_counter(), "CANCELLED", None
        try:
            response = await answer
            outcome = OK
        except TransportFailure as failure:
            outcome = failure.code
            raise
        finally:
            noted |= {"durationMs": _milliseconds(time.perf_counter() - started), "outcome": outcome}
            if response is not None:
                noted |= {"bytes": response.size, "by": self._by(response)}
        return response

    def _by(self, response: SubgraphResponse) -> str:
        """How the answer came: by a request of its own, by one of a sibling, or out of the cache."""
        if response.size:
            return "request"
        return "cache" if self.kept else "sibling"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
