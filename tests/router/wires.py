"""The end of the way: a service whose answers a test writes down, one for each request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from router.executor.transport import Answer, SubgraphRequest, TransportFailure

OK = Answer(200, b'{"data": {}}')


@dataclass
class Wire:
    """Answers what `says` lists, the last one for ever; an exception is raised, a function called."""

    says: list[Any] = field(default_factory=lambda: [OK])
    got: list[SubgraphRequest] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    gate: asyncio.Event | None = None

    async def carry(self, request: SubgraphRequest, _deadline: float) -> Answer:
        """Take one request."""
        self.got.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate:
                await self.gate.wait()
            said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
            if isinstance(said, TransportFailure):
                raise said
            answer: Answer = said(request) if callable(said) else said
            return answer
        finally:
            self.at_once -= 1


@dataclass
class Events:
    """Remembers what the layers observe."""

    seen: list[str] = field(default_factory=list)

    def __call__(self, _service: str, event: str) -> None:
        self.seen.append(event)


@dataclass
class Clock:
    """A clock that stands still until somebody moves it."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def request(body: bytes = b"{}", *, is_query: bool = True, **headers: str) -> SubgraphRequest:
    """A request to one service."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SubgraphRequest("crm", "http://crm/graphql?a=b", body, named, is_query=is_query)


def soon(seconds: float = 30.0) -> float:
    """A deadline."""
    return asyncio.get_running_loop().time() + seconds
