"""Runs the race: starts everything, checks that all answers are equal, drives round after round, prints the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from bench.race import gateways, load, shop
from bench.race.gateways import APOLLO, NAMES, OURS, ROOT, Entry, Running

FIRST_PORT: Final = 4950


@dataclass(frozen=True, slots=True)
class Plan:
    """What is driven, how often and how long."""

    entries: tuple[Entry, ...]
    queries: tuple[str, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: float
    warm_up_seconds: float


@dataclass(frozen=True, slots=True)
class Drive:
    """One gateway, one query, one number of connections, one round."""

    entry: Entry
    query: str
    connections: int
    rps: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    rss_mb: float


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, race, print."""
    parser = argparse.ArgumentParser(prog="bench/gateways", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, in under three minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians as a list of rows")
    parser.add_argument("--gateways", default=",".join(NAMES), help="which ones, separated by commas")
    parser.add_argument("--queries", default=",".join(shop.QUERIES))
    parser.add_argument("--connections", default="1,8,50")
    parser.add_argument("--sharing", choices=("off", "on", "both"), default="both")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    given = parser.parse_args(arguments)
    plan = _plan(given)
    drives = _race(plan)
    rows = [_median(group) for group in _groups(drives)]
    _print(rows, drives)
    if given.json:
        given.json.write_text(json.dumps([_row(row) for row in rows], indent=1) + "\n")
    return 0


def _plan(given: argparse.Namespace) -> Plan:
    modes = {"off": (False,), "on": (True,), "both": (False, True)}[given.sharing]
    names = given.gateways.split(",")
    unknown = set(names) - set(NAMES)
    if unknown:
        raise SystemExit(f"There is no gateway {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}.")
    # Apollo's gateway shares nothing, whatever it's told.
    entries = tuple(Entry(name, mode) for mode in modes for name in names if not (mode and name == APOLLO))
    connections = tuple(int(each) for each in given.connections.split(","))
    return Plan(
        entries,
        tuple(given.queries.split(",")),
        connections,
        given.rounds or (2 if given.quick else 5),
        given.seconds or (0.8 if given.quick else 3.0),
        2.0 if given.quick else 10.0,
    )


def _race(plan: Plan) -> list[Drive]:
    with ExitStack() as stack:
        workshop = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="race-")))
        ours, theirs = _cores()
        if theirs:
            os.sched_setaffinity(0, theirs)
        graph = supergraph(workshop, FIRST_PORT)
        start_subgraphs(stack, FIRST_PORT)
        running = []
        for number, entry in enumerate(plan.entries):
            one = gateways.start(entry, graph, FIRST_PORT + 10 + number, workshop, ours)
            stack.callback(one.stop)
            running.append(one)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_rounds(plan, running))


def _cores() -> tuple[frozenset[int] | None, frozenset[int] | None]:
    """One core for the gateway that is driven, the rest for the driver and the subgraphs."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        return None, None
    return frozenset(available[:1]), frozenset(available[1:])


def supergraph(workshop: Path, first_port: int) -> Path:
    """Compose the four subgraphs, which listen from this port on."""
    sources = [
        {"name": name, "url": f"http://127.0.0.1:{port}/graphql", "sdl": sdl}
        for port, (name, sdl) in enumerate(shop.SDL.items(), first_port)
    ]
    listed = workshop / "subgraphs.json"
    listed.write_text(json.dumps(sources))
    command = [sys.executable, "-m", "router", "compose", "--subgraphs", str(listed)]
    composed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    file = workshop / "supergraph.graphql"
    file.write_text(composed.stdout)
    return file


def start_subgraphs(stack: ExitStack, first_port: int) -> None:
    """Start them; they end with the stack."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.race.serve", str(first_port)], cwd=ROOT, stdout=subprocess.PIPE
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise RuntimeError("the subgraphs did not start")


async def _rounds(plan: Plan, running: list[Running]) -> list[Drive]:
    await _check_answers(plan, running)
    for one in running:
        _say(f"warming up {_name(one.entry)}")
        for query in plan.queries:
            await load.drive(
                one.url, _request(one, query), one.expected[query], 8, plan.warm_up_seconds / len(plan.queries)
            )
    drives = []
    for number in range(plan.rounds):
        _say(f"round {number + 1} of {plan.rounds}")
        order = [(one, query, count) for one in running for query in plan.queries for count in plan.connections]
        random.shuffle(order)
        for one, query, count in order:
            drives.append(await _drive(one, query, count, plan.seconds))
    return drives


async def _check_answers(plan: Plan, running: list[Running]) -> None:
    """All gateways have to say the same; each one's own bytes are what its later answers are compared with."""
    for query in plan.queries:
        data: dict[str, Any] = {}
        for one in running:
            body = await load.ask_once(one.url, _request(one, query))
            answer = orjson.loads(body)
            if answer.get("errors") or not answer.get("data"):
                raise load.Failed(f"{_name(one.entry)} can't answer {query}: {body[:500]!r}")
            one.expected[query] = body
            data[_name(one.entry)] = answer["data"]
        first = next(iter(data.values()))
        others = [name for name, each in data.items() if each != first]
        if others:
            raise load.Failed(f"{', '.join(others)}: another answer to {query} than {next(iter(data))}")
        _say(f"{query}: all say the same, {len(orjson.dumps(first)):,} bytes")


async def _drive(one: Running, query: str, connections: int, seconds: float) -> Drive:
    before = one.cpu_seconds()
    lap = await load.drive(one.url, _request(one, query), one.expected[query], connections, seconds)
    cpu = one.cpu_seconds() - before
    return Drive(
        one.entry,
        query,
        connections,
        lap.requests / lap.seconds,
        cpu * 1000 / lap.requests,
        lap.percentile(0.5) * 1000,
        lap.percentile(0.99) * 1000,
        one.resident_mb(),
    )


def _request(one: Running, query: str) -> bytes:
    return load.request_bytes(one.url, shop.QUERIES[query], one.headers)


def _groups(drives: list[Drive]) -> Iterator[list[Drive]]:
    groups: dict[tuple[str, int, bool, str], list[Drive]] = {}
    for drive in drives:
        key = (drive.query, drive.connections, drive.entry.sharing, drive.entry.gateway)
        groups.setdefault(key, []).append(drive)
    order = list(shop.QUERIES)
    for key in sorted(groups, key=lambda key: (order.index(key[0]), key[1], key[2], NAMES.index(key[3]))):
        yield groups[key]


def _median(group: list[Drive]) -> Drive:
    def middle(name: str) -> float:
        values: list[float] = [getattr(drive, name) for drive in group]
        return statistics.median(values)

    first = group[0]
    figures = [middle(name) for name in ("rps", "cpu_ms", "p50_ms", "p99_ms", "rss_mb")]
    return Drive(first.entry, first.query, first.connections, *figures)


def _row(drive: Drive) -> dict[str, Any]:
    return {
        "gateway": drive.entry.gateway,
        "query": drive.query,
        "connections": drive.connections,
        "sharing": drive.entry.sharing,
        "rps": round(drive.rps, 1),
        "cpu_ms": round(drive.cpu_ms, 4),
        "p50_ms": round(drive.p50_ms, 3),
        "p99_ms": round(drive.p99_ms, 3),
        "rss_mb": round(drive.rss_mb, 1),
    }


def _print(rows: list[Drive], drives: list[Drive]) -> None:
    print(
        f"{'query':9}{'conn':>5} {'gateway':28}{'req/s':>9}{'CPU ms':>9}{'range':>16}"
        f"{'p50 ms':>9}{'p99 ms':>9}{'MB':>6}{'x ours':>8}"
    )
    ours = {(row.query, row.connections, row.entry.sharing): row.cpu_ms for row in rows if row.entry.gateway == OURS}
    for row in rows:
        kind = (row.entry, row.query, row.connections)
        same = [drive.cpu_ms for drive in drives if (drive.entry, drive.query, drive.connections) == kind]
        mine = ours.get((row.query, row.connections, row.entry.sharing))
        ratio = f"{row.cpu_ms / mine:8.1f}" if mine else ""
        print(
            f"{row.query:9}{row.connections:5} {_name(row.entry):28}{row.rps:9.0f}{row.cpu_ms:9.3f}"
            f"{f'{min(same):.3f}-{max(same):.3f}':>16}{row.p50_ms:9.2f}{row.p99_ms:9.2f}{row.rss_mb:6.0f}{ratio}"
        )
    print(f"load average {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d %H:%M')}")


def _name(entry: Entry) -> str:
    return f"{entry.gateway}{' sharing' if entry.sharing else ''}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
