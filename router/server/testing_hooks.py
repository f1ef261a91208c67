"""For the tests of people who write hooks: calls them as the router does, without a router, a schema or a subgraph.

harness = HookHarness(Maintenance(), headers={"x-preview": "1"})
refused = await harness.operation("Rename", "mutation")
assert refused is not None and refused.code == "PREVIEW_IS_READ_ONLY"
assert (await harness.subgraph_request("crm")).headers["x-region"] == "eu"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.server.config.hooks import OnError
from router.server.hooks import Answer, Asked, Fetched, Fetching, Hooks, Refuse, Request


class HookHarness:
    """One request as hooks see it; `request.context` and `request.response_headers` are there to be looked at."""

    def __init__(
        self,
        *hooks: object,
        headers: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
        timeout: float = 1.0,
        on_error: OnError = "closed",
    ) -> None:
        self.hooks = Hooks.around(*hooks, timeout=timeout, on_error=on_error)
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        self.request = Request(lowered, "0" * 32, {}, claims)

    async def arrive(self) -> Refuse | None:
        """Call `on_request`; returns the refusal, if it's one."""
        return await self._refusal("on_request")

    async def operation(
        self, name: str | None = None, kind: str = "query", variables: Mapping[str, Any] | None = None
    ) -> Refuse | None:
        """Call `on_operation`; returns the refusal, if it's one."""
        return await self._refusal("on_operation", Asked(name, kind, None, variables or {}))

    async def subgraph_request(self, service: str, headers: Mapping[str, str] | None = None) -> Fetching:
        """Call `on_subgraph_request`; returns the request as it would go out, or raises `Refuse`."""
        fetching = Fetching(service, f"http://{service}/graphql", dict(headers or {}))
        await self.hooks.call("on_subgraph_request", self.request, fetching)
        return fetching

    async def subgraph_response(self, service: str, data: dict[str, Any] | None, *errors: Mapping[str, Any]) -> None:
        """Call `on_subgraph_response`; raises `Refuse`."""
        await self.hooks.call("on_subgraph_response", self.request, Fetched(service, data, errors, ()))

    async def response(self, data: dict[str, Any] | None, *errors: dict[str, Any]) -> Answer:
        """Call `on_response`; returns the answer as the client would get it, or raises `Refuse`."""
        answer = Answer(data, [*errors])
        await self.hooks.call("on_response", self.request, answer)
        return answer

    async def _refusal(self, stage: str, *given: Any) -> Refuse | None:
        try:
            await self.hooks.call(stage, self.request, *given)
        except Refuse as refuse:
            return refuse
        return None
