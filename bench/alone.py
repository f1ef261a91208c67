"""Measures our router alone, and trees of it against each other: CPU time for each request, so that a busy machine matters little.

    python -m bench.alone [--against FOLDER[,FOLDER …]] [--queries NAMES] [--connections 1,50] [--rounds 9] [--seconds S]

Every tree is a checkout of this repository with an environment of its own (`.venv`). They are driven over the same subgraphs, in
short laps that take turns in a shuffled order, so that whatever else the machine does falls on all of them alike. What is
printed is the least of all laps and their median: what disturbs can only add.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from bench.race import load, shop
from bench.race.__main__ import start_subgraphs, supergraph
from bench.race.gateways import OURS, ROOT, Entry, Running, Tree, start

_FIRST_PORT: Final = 5150


@dataclass(frozen=True, slots=True)
class _Kind:
    tree: str
    query: str
    connections: int


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, drive, print."""
    parser = argparse.ArgumentParser(prog="bench.alone", description=__doc__)
    parser.add_argument(
        "--against", default="", help="other checkouts, separated by commas; +PYTHON runs it with another one"
    )
    parser.add_argument("--queries", default=",".join(shop.QUERIES))
    parser.add_argument("--connections", default="50")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one lap")
    parser.add_argument("--port", type=int, default=_FIRST_PORT)
    given = parser.parse_args(arguments)
    trees = [str(ROOT), *filter(None, given.against.split(","))]
    with ExitStack() as stack:
        workshop = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alone-")))
        graph = supergraph(workshop, given.port)
        start_subgraphs(stack, given.port)
        running = {}
        for number, tree in enumerate(trees):
            folder, _, python = tree.partition("+")
            own = workshop / str(number)
            own.mkdir()
            checkout = Tree(Path(folder or ROOT), python or sys.executable)
            one = start(Entry(OURS, sharing=False), graph, given.port + 10 + number, own, None, checkout)
            stack.callback(one.stop)
            running[tree] = one
        kinds = [
            _Kind(tree, query, int(connections))
            for tree in trees
            for query in given.queries.split(",")
            for connections in given.connections.split(",")
        ]
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(_laps(kinds, running, given.rounds, given.seconds))
    _print(kinds, figures)
    return 0


async def _laps(
    kinds: Sequence[_Kind], running: dict[str, Running], rounds: int, seconds: float
) -> dict[_Kind, list[float]]:
    figures: dict[_Kind, list[float]] = {kind: [] for kind in kinds}
    for kind in kinds:
        await _lap(kind, running[kind.tree], seconds)
    for _ in range(rounds):
        for kind in random.sample(kinds, len(kinds)):
            figures[kind].append(await _lap(kind, running[kind.tree], seconds))
    return figures


async def _lap(kind: _Kind, one: Running, seconds: float) -> float:
    """Return the microseconds of processor time that a request took."""
    request = load.request_bytes(one.url, shop.QUERIES[kind.query], one.headers)
    expected = await load.ask_once(one.url, request)
    before = _nanoseconds(one.process.pid)
    lap = await load.drive(one.url, request, expected, kind.connections, seconds)
    return (_nanoseconds(one.process.pid) - before) / lap.requests / 1000


def _nanoseconds(pid: int) -> int:
    """The kernel's own count of what all threads of a process ran: finer than the clock ticks of its statistics."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files)


def _print(kinds: Sequence[_Kind], figures: dict[_Kind, list[float]]) -> None:
    print(f"{'query':9}{'conn':>5}{'least µs':>10}{'median':>10}{'x first':>9}  tree")
    firsts: dict[tuple[str, int], float] = {}
    for kind in sorted(kinds, key=lambda kind: (kind.query, kind.connections)):
        least = min(figures[kind])
        first = firsts.setdefault((kind.query, kind.connections), least)
        median = statistics.median(figures[kind])
        print(f"{kind.query:9}{kind.connections:5}{least:10.1f}{median:10.1f}{least / first:9.2f}  {kind.tree}")
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
