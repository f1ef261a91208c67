"""The figures of a module: what was asked, what failed, how long it took."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
async def desk(start):
    return await start("tickets")


async def figures(desk) -> dict[str, float]:
    lines = [line for line in (await desk.client.get("/metrics")).text.splitlines() if line.startswith("psa_")]
    return {line.rpartition(" ")[0].partition("{")[0] + _bucket(line): float(line.rpartition(" ")[2]) for line in lines}


def _bucket(line: str) -> str:
    return line[line.index('{le="') : line.index('",') + 1] if '{le="' in line else ""


async def test_requests_and_answers_with_errors_are_counted(desk):
    await desk.data("{ tickets { id } }")
    before = await figures(desk)

    await desk.data("{ tickets { id } }")
    await desk.ask('{ tickets(status: "nonsense") { id } }')
    after = await figures(desk)

    assert after["psa_subgraph_duration_seconds_count"] - before["psa_subgraph_duration_seconds_count"] == 2
    assert after["psa_subgraph_errors_total"] - before.get("psa_subgraph_errors_total", 0) == 1
    assert after["psa_subgraph_busy"] == 0
    assert 'psa_subgraph_duration_seconds_bucket{le="0.025"' in after
