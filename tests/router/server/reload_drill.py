"""Reloads a router many times under load: counts requests that failed, and what stays in memory.

.venv/bin/python tests/router/server/reload_drill.py 100
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1]))

from small_graph import Subgraph

from router.registry.registry import Registration
from router.server.app import build
from router.server.config import RouterConfig

_FIRST = 10
"""Reloads before we measure: caches fill up, and the history has all the versions that it keeps."""
_CLIENTS = 4
CRM = 'type Query { customer: Customer } type Customer @key(fields: "id") { id: ID! name: String }'
ASSETS = 'type Query { count: Int } type Customer @key(fields: "id") { id: ID! assets: Int }'
QUERY = {"query": "{ customer { name assets } }"}
ANSWER = {"data": {"customer": {"name": "ACME", "assets": 3}}}


@dataclass(frozen=True, slots=True)
class Drill:
    """What came of it; `grown_bytes` is by how much the memory in use is larger than before."""

    reloads: int
    requests: int
    failed: int
    baseline_bytes: int
    grown_bytes: int


async def drill(reloads: int) -> Drill:
    """Run it."""
    crm = Subgraph(CRM, {"customer": {"__typename": "Customer", "id": "1", "name": "ACME"}})
    assets = Subgraph(ASSETS, {}, {"Customer:1": {"assets": 3}})
    settings = {"registry": {"token": "s3cret", "history": {"entries": 5}}, "access_log": False}
    app = build(RouterConfig.model_validate(settings), in_process={"crm": crm, "assets": assets})
    registry = app.state.registry
    await registry.register(Registration("crm", "inprocess://crm/graphql", "0", crm.text))
    await registry.register(Registration("assets", "inprocess://assets/graphql", "0", assets.text))
    answers = [0, 0]
    stop = asyncio.Event()

    async def swap(version: int) -> None:
        sdl = f"{crm.text} type Version{version} {{ a: Int }}"
        await registry.register(Registration("crm", "inprocess://crm/graphql", str(version), sdl))
        for one in (crm, assets):
            for record in (one.asked, one.bodies, one.headers):
                record.clear()  # what the subgraphs remember is theirs

    async def ask(client: httpx2.AsyncClient) -> None:
        while not stop.is_set():
            answer = await client.post("/graphql", json=QUERY)
            answers[0] += 1
            answers[1] += answer.json() != ANSWER
            await asyncio.sleep(0)

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(_CLIENTS):
            group.create_task(ask(client))
        for version in range(_FIRST):
            await swap(version)
        tracemalloc.start()
        await swap(_FIRST)
        await swap(_FIRST + 1)  # what was made before tracing began is gone now
        baseline = _in_use()
        for version in range(reloads):
            await swap(_FIRST + 2 + version)
        grown = _in_use() - baseline
        tracemalloc.stop()
        stop.set()
    return Drill(reloads, answers[0], answers[1], baseline, grown)


def _in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _main(arguments: list[str]) -> Any:
    done = asyncio.run(drill(int(arguments[0]) if arguments else 100))
    print(json.dumps(asdict(done)))  # noqa: T201 - it's what one runs it for
    return int(done.failed > 0 or done.grown_bytes > max(done.baseline_bytes // 4, 1_000_000))


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
