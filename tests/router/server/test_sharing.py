"""Equal queries of clients are executed once, and what is not equal never is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

QUERY = 'query Q($id: ID! = "1") { customer(id: $id) { name } }'
GOOD = {"data": {"customer": {"name": "ACME"}}}
OFF_FOR_ONE = {"deduplicate_query": False}
OFF = {"traffic_shaping": {"all": {"deduplicate_query": False}, "router": {"deduplicate_query": False}}}
ON = {"traffic_shaping": {"all": {"deduplicate_query": False}, "router": {"deduplicate_query": True}}}
COOKIES = {
    "headers": {"all": {"response": [{"propagate": {"named": "set-cookie"}}, {"propagate": {"named": "x-said"}}]}}
}


class Slow:
    """A subgraph that answers when it's told to."""

    def __init__(self, *headers: tuple[bytes, bytes], body: Any = None) -> None:
        self.asked = 0
        self.left = 0
        self.go = asyncio.Event()
        self._headers = headers
        self._body = json.dumps(body or GOOD).encode()

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.asked += 1
        number = self.asked
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        own = [(name, value.replace(b"#", str(number).encode())) for name, value in self._headers]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": self._body})

    async def until(self, asked: int) -> None:
        async with asyncio.timeout(60):
            while self.asked < asked:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)  # whoever else wants to ask has done so now


def post(psa: Any, query: str = QUERY, headers: dict[str, str] | None = None, **more: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(psa.client.post("/graphql", json={"query": query, **more}, headers=headers or {}))


async def all_of(psa: Any, slow: Slow, asks: list[Callable[[], asyncio.Task[Any]]], expected: int) -> list[Any]:
    """Ask for everything at the same time; the subgraph gets so many requests."""
    psa.running["crm"] = slow
    tasks = [ask() for ask in asks]
    await slow.until(expected)
    slow.go.set()
    answers = await asyncio.gather(*tasks)
    assert slow.asked == expected
    return answers


async def test_equal_queries_are_executed_once(platform: Any) -> None:
    async with platform(**ON) as psa:
        ids = [{"x-request-id": f"r{number}"} for number in range(3)]
        answers = await all_of(psa, Slow(), [lambda own=own: post(psa, headers=own) for own in ids], 1)  # type: ignore[misc]
        again = await all_of(psa, Slow(), [lambda: post(psa)], 1)
        metrics = (await psa.client.get("/metrics")).text

    assert [answer.json() for answer in [*answers, *again]] == [GOOD] * 4
    assert [answer.headers["x-request-id"] for answer in answers] == ["r0", "r1", "r2"]
    counted = [line.rpartition(" ")[2] for line in metrics.splitlines() if line.startswith("psa_router_shared_queries")]
    assert counted == ["2.0"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"variables": {"id": "2"}}),
        ({}, {"headers": {"authorization": "Bearer other"}}),
        ({}, {"headers": {"x-tenant": "b"}}),
        ({"headers": {"cookie": "a=1"}}, {"headers": {"cookie": "a=2"}}),
        ({}, {"query": QUERY.replace("Q", "Other")}),
        ({"query": 'mutation { rename(name: "x") { name } }'}, {"query": 'mutation { rename(name: "x") { name } }'}),
    ],
)
async def test_what_could_change_the_answer_tells_them_apart(
    platform: Any, one: dict[str, Any], other: dict[str, Any]
) -> None:
    async with platform(**ON) as psa:
        await all_of(psa, Slow(), [lambda: post(psa, **one), lambda: post(psa, **other)], 2)


@pytest.mark.parametrize(
    "off", [OFF, {"traffic_shaping": {"all": OFF_FOR_ONE}}, {"traffic_shaping": {"subgraphs": {"crm": OFF_FOR_ONE}}}]
)
async def test_it_can_be_switched_off_for_all_and_for_one_subgraph(platform: Any, off: dict[str, Any]) -> None:
    async with platform(**off) as psa:
        await all_of(psa, Slow(), [lambda: post(psa), lambda: post(psa)], 2)


async def test_another_schema_is_another_query(platform: Any) -> None:
    async with platform(**ON) as psa:
        slow = psa.running["crm"] = Slow()
        first = post(psa)
        await slow.until(1)
        await psa.app.state.graphs.load(psa.app.state.graphs.sdl + "\n# another generation\n")
        second = post(psa)
        await slow.until(2)
        slow.go.set()
        answers = await asyncio.gather(first, second)

    assert [answer.json() for answer in answers] == [GOOD] * 2


async def test_who_leaves_takes_nobody_along(platform: Any) -> None:
    async with platform(**ON) as psa:
        slow = psa.running["crm"] = Slow()
        first, second, third = post(psa), post(psa), post(psa)
        await slow.until(1)
        third.cancel()
        first.cancel()
        await slow.until(2)
        slow.go.set()
        answer = await second
        await asyncio.gather(first, third, return_exceptions=True)

    assert answer.json() == GOOD
    assert (slow.asked, slow.left) == (2, 1)


async def test_errors_are_everybodys(platform: Any) -> None:
    body = {
        "data": {"customer": None},
        "errors": [{"message": "No.", "path": ["customer"], "extensions": {"code": "NO"}}],
    }
    async with platform(**ON) as psa:
        answers = await all_of(psa, Slow(body=body), [lambda: post(psa), lambda: post(psa)], 1)

    errors = [answer.json()["errors"] for answer in answers]
    assert errors[0] == errors[1]
    assert errors[0][0]["extensions"]["code"] == "NO"


async def test_headers_of_subgraphs_come_along_but_no_cookies(platform: Any) -> None:
    async with platform(**ON, **COOKIES) as psa:
        said = await all_of(psa, Slow((b"x-said", b"#")), [lambda: post(psa), lambda: post(psa)], 1)
        # The others wait for the first, and ask for themselves when there is a cookie for it alone.
        slow = psa.running["crm"] = Slow((b"set-cookie", b"for=#"))
        tasks = [post(psa), post(psa), post(psa)]
        await slow.until(1)
        slow.go.set()
        answers = await asyncio.gather(*tasks)

    assert [answer.headers["x-said"] for answer in said] == ["1", "1"]
    assert sorted(answer.headers["set-cookie"] for answer in answers) == ["for=1", "for=2", "for=3"]
