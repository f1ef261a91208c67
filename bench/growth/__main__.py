"""Measures how the router's cost grows with the work: one command, curves and numbers.

    .venv/bin/python -m bench.growth [--into bench/growth] [--only NAMES] [--seconds 0.5] [--operations 10000]

CPU is what the router's process took by the kernel's account, for each answer; nothing is shared between equal requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
import uvloop
from graphql import parse

from bench.growth import shop
from bench.growth.plot import Curve, svg
from bench.race import gateways, load
from bench.race.gateways import OURS, ROOT, Entry, Running
from router.federation.supergraph import Supergraph
from router.planner.planner import Planner

FIRST_PORT: Final = 4900
ROUTER_PORT: Final = 4940
_WARMING: Final = 16
"""An operation that comes often is answered in another way than at first."""


@dataclass(frozen=True, slots=True)
class House:
    """A router over the items, and how long it is driven for each point."""

    workshop: Path
    supergraph: Path
    router: Running
    seconds: float
    operations: int
    starts: list[tuple[int, float, float]] = field(default_factory=list)
    """What starting took, once it was measured."""


def main() -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "bench" / "growth")
    parser.add_argument("--only", default=",".join(CURVES), help="which curves, separated by commas")
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--operations", type=int, default=10_000)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_served())
        with _house(runner, given.seconds, given.operations) as house:
            for name in given.only.split(","):
                curve = CURVES[name](house, runner)
                print(f"\n{curve.title}\n{curve.x:>28} {curve.y:>16}")
                for x, y in curve.points:
                    print(f"{x:28,.0f} {y:16.3f}", flush=True)
                (given.into / f"{curve.name}.svg").write_text(svg(curve))
    print(f"\nload average {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d %H:%M')}")
    return 0


async def _served() -> None:
    loop = asyncio.get_running_loop()
    for number in range(shop.SUBGRAPHS):
        await loop.create_server(lambda number=number: shop.Subgraph(number), "127.0.0.1", FIRST_PORT + number)  # type: ignore[misc]


@contextmanager
def _house(runner: asyncio.Runner, seconds: float, operations: int) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        workshop = Path(folder)
        supergraph = _composed(workshop, [shop.sdl(number) for number in range(shop.SUBGRAPHS)])
        router = runner.run(_started(supergraph, workshop))
        try:
            yield House(workshop, supergraph, router, seconds, operations)
        finally:
            router.stop()


async def _started(supergraph: Path, workshop: Path) -> Running:
    return await asyncio.to_thread(gateways.start, Entry(OURS, sharing=False), supergraph, ROUTER_PORT, workshop, None)


def _composed(workshop: Path, texts: list[str]) -> Path:
    sources = [
        {"name": f"s{number}", "url": f"http://127.0.0.1:{FIRST_PORT + number}/graphql", "sdl": text}
        for number, text in enumerate(texts)
    ]
    listed = workshop / "subgraphs.json"
    listed.write_text(json.dumps(sources))
    command = [sys.executable, "-m", "router", "compose", "--subgraphs", str(listed)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    file = workshop / f"{len(texts)}-{len(done.stdout)}.graphql"
    file.write_text(done.stdout)
    return file


async def _cpu_ms(house: House, query: str) -> tuple[float, int]:
    """CPU milliseconds of one request, and how long its answer is."""
    router = house.router
    request = load.request_bytes(router.url, query, router.headers)
    expected = await load.ask_once(router.url, request)
    if orjson.loads(expected).get("errors"):
        raise SystemExit(expected[:500].decode())
    for _ in range(_WARMING):
        await load.ask_once(router.url, request)
    await load.drive(router.url, request, expected, 8, 0.2)
    before = router.cpu_seconds()
    lap = await load.drive(router.url, request, expected, 8, house.seconds)
    return (router.cpu_seconds() - before) * 1000 / lap.requests, len(expected)


def response_size(house: House, runner: asyncio.Runner) -> Curve:
    """Measure answers of one subgraph."""
    points = []
    for count in (10, 100, 500, 1000, 2000, 4000):
        cpu, size = runner.run(_cpu_ms(house, f"{{ items(first: {count}) {{ id name text price }} }}"))
        points.append((size / 1000, cpu))
    return Curve("response-size", "Cost against the size of the answer", "kB of the answer", "CPU ms", points)


def entities(house: House, runner: asyncio.Runner) -> Curve:
    """Measure entities of a second subgraph."""
    counts = (1, 10, 100, 250, 500, 1000)
    points = [
        (float(count), runner.run(_cpu_ms(house, f"{{ items(first: {count}) {{ id field1 }} }}"))[0])
        for count in counts
    ]
    return Curve("entities", "Cost against the number of entities", "entities", "CPU ms", points)


def subgraphs(house: House, runner: asyncio.Runner) -> Curve:
    """Measure operations that many subgraphs answer."""
    points = []
    for count in (1, 2, 4, 8, 12, 15):
        fields = " ".join(f"field{number}" for number in range(1, count + 1))
        points.append((float(count + 1), runner.run(_cpu_ms(house, f"{{ items(first: 20) {{ id {fields} }} }}"))[0]))
    return Curve("subgraphs", "Cost against the number of subgraphs asked", "subgraphs", "CPU ms", points)


def operations(house: House, runner: asyncio.Runner) -> Curve:
    """Measure one operation while the router knows more and more others."""
    points, known, usual = [], 0, "{ items(first: 5) { id name price } }"
    for count in (1, house.operations // 100, house.operations // 10, house.operations):
        while known < count:
            known += 1
            text = f"query Q{known} {{ items(first: 5) {{ id a{known % 8}: name }} }}"
            request = load.request_bytes(house.router.url, text, house.router.headers)
            runner.run(load.ask_once(house.router.url, request))
        points.append((float(count), runner.run(_cpu_ms(house, usual))[0]))
    title = "Cost of a known operation against the number of distinct ones seen"
    return Curve("operations", title, "distinct operations", "CPU ms", points)


def planning(house: House, _runner: asyncio.Runner) -> Curve:
    """Measure the planner on nested operations."""
    planner, points = Planner(Supergraph.parse(house.supergraph.read_text())), []
    fields = "id name " + " ".join(f"field{number}" for number in range(1, 6))
    for depth in (1, 2, 4, 8, 16):
        text = f"{{ items(first: 5) {{ {fields} {f'next {{ {fields} ' * (depth - 1)}{'}' * (depth - 1)} }} }}"
        document = parse(text, no_location=True)
        planner.plan(document)
        points.append((float(depth * 7), min(_taken(lambda: planner.plan(document)) for _ in range(3)) * 1000))  # noqa: B023 - called at once
    return Curve("planning", "Planning against the size of the operation", "fields", "CPU ms", points)


def _taken(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _starts(house: House) -> list[tuple[int, float, float]]:
    """Start routers over larger and larger supergraphs: types, CPU seconds until they answer, megabytes then."""
    found = house.starts
    if found:
        return found
    for count in (10, 100, 300, 600):
        supergraph = _composed(house.workshop, [shop.types(count)])
        router = gateways.start(Entry(OURS, sharing=False), supergraph, ROUTER_PORT + 1, house.workshop, None)
        found.append((count, router.cpu_seconds(), router.resident_mb()))
        router.stop()
    return found


def start_up(house: House, _runner: asyncio.Runner) -> Curve:
    """Measure how long it takes until a router answers."""
    points = [(float(count), seconds) for count, seconds, _ in _starts(house)]
    return Curve("start-up", "Start-up against the size of the supergraph", "types", "CPU s", points)


def memory(house: House, _runner: asyncio.Runner) -> Curve:
    """Measure what a router holds when it has begun."""
    points = [(float(count), megabytes) for count, _, megabytes in _starts(house)]
    return Curve("memory", "Memory against the size of the supergraph", "types", "MB", points)


def workers(house: House, runner: asyncio.Runner) -> Curve:
    """Measure one router against two, as behind a balancer; what they answer takes them much longer than the driver."""
    workshop = house.workshop / "other"
    workshop.mkdir()
    other = gateways.start(Entry(OURS, sharing=False), house.supergraph, ROUTER_PORT + 2, workshop, None)
    try:
        points = [(float(count), runner.run(_rate([house.router, other][:count], house.seconds))) for count in (1, 2)]
    finally:
        other.stop()
    return Curve("workers", "Answers in a second against the number of routers", "routers", "answers/s", points)


async def _rate(routers: list[Running], seconds: float) -> float:
    query = "{ items(first: 500) { id field1 } }"
    requests = [load.request_bytes(router.url, query, router.headers) for router in routers]
    async with asyncio.TaskGroup() as group:
        laps = [
            group.create_task(load.drive(router.url, request, None, 8, max(2.0, seconds)))
            for router, request in zip(routers, requests, strict=True)
        ]
    return sum(lap.result().requests / lap.result().seconds for lap in laps)


CURVES: Final[dict[str, Callable[[House, asyncio.Runner], Curve]]] = {
    "response-size": response_size,
    "entities": entities,
    "subgraphs": subgraphs,
    "operations": operations,
    "planning": planning,
    "start-up": start_up,
    "memory": memory,
    "workers": workers,
}

if __name__ == "__main__":
    sys.exit(main())
