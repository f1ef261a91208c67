"""Deadlines: work for which nobody waits any more is ended, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from contracts.deadline import DEADLINE_HEADER
from subgraphs.kit.deadline import InTime


class Slow:
    """An application that takes its time, and says how it ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        await PlainTextResponse("done")(scope, receive, send)


async def asked(app: Slow, headers: dict[str, str]) -> httpx2.Response:
    transport = httpx2.ASGITransport(InTime(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://module") as client:
        return await client.get("/", headers=headers)


async def test_what_takes_too_long_is_ended_with_504() -> None:
    app = Slow(30)
    answer = await asked(app, {DEADLINE_HEADER: "20"})

    assert (answer.status_code, app.ended) == (504, "cancelled")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


@pytest.mark.parametrize("said", ["5000", "", "-1", "soon", "1e9", "9" * 20, "٣"])
async def test_what_is_in_time_or_has_no_sensible_deadline_is_finished(said: str) -> None:
    app = Slow(0)
    answer = await asked(app, {DEADLINE_HEADER: said.encode()} if said else {})  # type: ignore[dict-item]

    assert (answer.text, app.ended) == ("done", "done")


async def test_a_timeout_of_the_application_itself_stays_one() -> None:
    async def fails(_scope: Any, _receive: Any, _send: Any) -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await asked(fails, {DEADLINE_HEADER: "5000"})  # type: ignore[arg-type]
