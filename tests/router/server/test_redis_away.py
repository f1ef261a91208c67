"""Two routers share what they learn and what they count through a real Redis; they go on when it dies, and share again."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis_server import needs_redis, redis_server, until_it_answers
from small_graph import Subgraph

from deploy.local import children

pytestmark = needs_redis

LIMIT = 12


class Replicas:
    """Two routers over one Redis."""

    def __init__(self, one: Any, other: Any, redis: Any) -> None:
        self.one, self.other, self._redis = one, other, redis

    async def kill_redis(self) -> None:
        self._redis["server"].send_signal(signal.SIGKILL)
        await asyncio.to_thread(self._redis["server"].wait)

    async def restart_redis(self) -> None:
        self._redis["server"] = redis_server(self._redis["port"], self._redis["folder"])
        await until_it_answers(self._redis["url"])


@asynccontextmanager
async def replicas(small: Any, folder: Path, **settings: Any) -> AsyncIterator[Replicas]:
    port = children.free_port()
    redis = {"port": port, "url": f"redis://127.0.0.1:{port}/0", "folder": folder}
    redis["server"] = redis_server(port, folder)
    shared = {"url": redis["url"], "timeout_seconds": 2, "retry_seconds": 0.05}
    try:
        await until_it_answers(str(redis["url"]))
        async with (
            small({"a": Subgraph("type Query { a: Int }", {"a": 1})}, redis=shared, **settings) as one,
            small({"a": Subgraph("type Query { a: Int }", {"a": 1})}, redis=shared, **settings) as other,
        ):
            yield Replicas(one, other, redis)
    finally:
        redis["server"].kill()
        redis["server"].wait()


def hashed(query: str, *, with_text: bool) -> dict[str, Any]:
    known = {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}
    return {"extensions": {"persistedQuery": known}, **({"query": query} if with_text else {})}


async def answer(router: Any, query: str, *, with_text: bool = False) -> Any:
    body = (await router.client.post("/graphql", json=hashed(query, with_text=with_text))).json()
    return body["errors"][0]["extensions"]["code"] if "errors" in body else body["data"]


async def test_texts_are_shared_until_redis_dies_and_when_it_is_back(small: Any, tmp_path: Path) -> None:
    async with replicas(small, tmp_path) as both:
        assert await answer(both.one, "{ x: a }", with_text=True) == {"x": 1}
        assert await answer(both.other, "{ x: a }") == {"x": 1}

        await both.kill_redis()
        assert await answer(both.one, "{ x: a }") == {"x": 1}
        assert await answer(both.one, "{ y: a }", with_text=True) == {"y": 1}
        assert await answer(both.one, "{ y: a }") == {"y": 1}
        assert await answer(both.other, "{ y: a }") == "PERSISTED_QUERY_NOT_FOUND"

        await both.restart_redis()
        async with asyncio.timeout(60):
            number = 0
            while await answer(both.other, f"{{ z{number}: a }}") == "PERSISTED_QUERY_NOT_FOUND":
                number += 1
                assert await answer(both.one, f"{{ z{number}: a }}", with_text=True) == {f"z{number}": 1}
        assert await answer(both.other, "{ x: a }") == {"x": 1}


async def statuses(count: int, *routers: Any) -> list[int]:
    return [(await routers[turn % len(routers)].post("{ a }")).status_code for turn in range(count)]


async def test_rates_are_counted_together_until_redis_dies_and_when_it_is_back(small: Any, tmp_path: Path) -> None:
    settings = {"rate_limit": {"limit": LIMIT, "window": "1h", "by_address": True}}

    async with replicas(small, tmp_path, **settings) as both:
        together = await statuses(LIMIT - 4, both.one, both.other)

        await both.kill_redis()
        alone = await statuses(LIMIT, both.one)

        await both.restart_redis()
        async with asyncio.timeout(60):
            # It begins anew; whoever counts through it again says how much is left of the whole.
            while (await both.other.post("{ a }")).headers["ratelimit"].split("r=")[1].split(";")[0] != "0":
                await asyncio.sleep(0.01)
        refused = await both.other.post("{ a }")
        first = await both.one.post("{ a }")

    assert together == [200] * (LIMIT - 4)
    assert (alone.count(200), alone.count(429), sorted(alone)) == (8, 4, alone), "four of these passed here before"
    assert (refused.status_code, first.status_code) == (429, 429)
    assert "retry-after" in refused.headers
