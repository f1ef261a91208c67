"""What is left of a router's work when three times as much is asked as it can do, and how fast it says no to the rest.

    .venv/bin/python -m bench.overload [--places 16] [--seconds 5] [--times 3]

First as many clients as there are places ask without a pause: that is what it can do. Then requests arrive at a multiple of
that rate, whether the ones before were answered or not. Goodput is right answers in a second; what is refused has to be a 503
with `Retry-After`, and anything else is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.children import free_port

SDL: Final = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7")\ntype Query { a: Int }\n'
RIGHT: Final = b'{"data":{"a":1}}'
_BODY: Final = b'{"query":"{ a }"}'
_WORK_SECONDS: Final = 0.02
"""How long the subgraph takes: the router waits for it, and does not work meanwhile."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Count:
    """What came of requests; times in seconds."""

    right: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wrong: int = 0


async def subgraph(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer whatever is asked, after a while."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await _message(reader)
            await asyncio.sleep(_WORK_SECONDS)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            writer.write(head % len(RIGHT) + RIGHT)
    writer.close()


async def be_the_subgraph(port: int) -> None:
    """Serve it until we are ended."""
    async with await asyncio.start_server(subgraph, "127.0.0.1", port, backlog=1024) as server:
        await server.serve_forever()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


class Clients:
    """Connections to the router; one is opened when all others wait."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Stream] = []
        head = f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        self._request = f"{head}content-length: {len(_BODY)}\r\n\r\n".encode() + _BODY

    async def ask(self, count: Count) -> None:
        """Send one request, and count what came."""
        began = time.perf_counter()
        try:
            stream = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            stream[1].write(self._request)
            head, body = await _message(stream[0])
        except (OSError, asyncio.IncompleteReadError):
            count.wrong += 1
            return
        self._idle.append(stream)
        took = time.perf_counter() - began
        if b" 200 " in head[:20] and body == RIGHT:
            count.right.append(took)
        elif b" 503 " in head[:20] and b"\r\nretry-after:" in head:
            count.refused.append(took)
        else:
            count.wrong += 1

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()


async def at_full_speed(clients: Clients, places: int, seconds: float) -> Count:
    """As many as there are places, each as soon as it has its answer."""
    count, until = Count(), time.perf_counter() + seconds

    async def go_on() -> None:
        while time.perf_counter() < until:
            await clients.ask(count)

    async with asyncio.TaskGroup() as group:
        for _ in range(places):
            group.create_task(go_on())
    return count


async def at_a_rate(clients: Clients, rate: float, seconds: float) -> Count:
    """Requests at their times, whatever became of the ones before."""
    count, began = Count(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(clients.ask(count))
    return count


async def serving(places: int, folder: Path, use: Callable[[Clients, int], Awaitable[None]]) -> None:
    """Start subgraph and router, and use them."""
    behind, port = free_port(), free_port()
    url = f"http://127.0.0.1:{behind}/graphql"
    (folder / "a.graphql").write_text(SDL)
    (folder / "subgraphs.json").write_text(
        json.dumps({"subgraphs": {"a": {"routing_url": url, "schema": {"file": "a.graphql"}}}})
    )
    (folder / "subgraphs.yaml").write_text((folder / "subgraphs.json").read_text())
    quiet = {"overload": {"concurrent_requests": places}, "access_log": False, "rate_limit": {"enabled": False}}
    # Equal queries would go as one: then the subgraph, which is slow on purpose, would be asked once for all.
    (folder / "router.yaml").write_text(json.dumps({**quiet, "traffic_shaping": {"all": {"deduplicate_query": False}}}))
    command = [
        "-m",
        "router",
        "serve",
        "--subgraphs",
        str(folder / "subgraphs.yaml"),
        "-c",
        str(folder / "router.yaml"),
    ]
    log = (folder / "log").open("wb")
    router = await asyncio.create_subprocess_exec(sys.executable, *command, "--port", str(port), stdout=log, stderr=log)
    # In a process of its own, or it would be late whenever the crowd is busy, and the router be blamed for it.
    service = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.overload", "--subgraph", str(behind))
    clients = Clients(port)
    try:
        await _ready(clients, router)
        await use(clients, router.pid)
    finally:
        clients.close()
        for process in (router, service):
            process.terminate()
            await process.wait()
        log.close()


async def _ready(clients: Clients, router: asyncio.subprocess.Process) -> None:
    count = Count()
    while not count.right:
        if router.returncode is not None:
            raise SystemExit("the router does not start")
        await clients.ask(count)
        await asyncio.sleep(0.1)


def processor_seconds(pid: int) -> float:
    """Return how long a process has kept a processor busy (Linux)."""
    numbers = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> str:
    """Return it in milliseconds."""
    ordered = sorted(values)
    return f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000:.1f} ms" if ordered else "-"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--places", type=int, default=16)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--times", type=float, default=3.0)
    options.add_argument("--subgraph", type=int, help="be the subgraph at this port, and nothing else")
    given = options.parse_args()
    if given.subgraph:
        asyncio.run(be_the_subgraph(given.subgraph))

    async def measure(clients: Clients, router: int) -> None:
        await at_full_speed(clients, given.places, 1.0)
        times = [processor_seconds(router)]
        peak = await at_full_speed(clients, given.places, given.seconds)
        times.append(processor_seconds(router))
        rate = len(peak.right) / given.seconds
        crowd = await at_a_rate(clients, rate * given.times, given.seconds)
        times.append(processor_seconds(router))
        good = len(crowd.right) / given.seconds
        per_answer = (times[1] - times[0]) / len(peak.right)
        per_refusal = max(0.0, times[2] - times[1] - per_answer * len(crowd.right)) / max(1, len(crowd.refused))
        asked = len(crowd.right) + len(crowd.refused) + crowd.wrong
        print(f"load average {os.getloadavg()[0]:.1f}, {given.places} places, subgraph {_WORK_SECONDS * 1000:.0f} ms")
        print(f"at full speed   {rate:7.1f} right/s   p50 {percentile(peak.right, 0.5)}   wrong {peak.wrong}")
        print(
            f"asked {given.times:g} times  {good:7.1f} right/s   p50 {percentile(crowd.right, 0.5)}   wrong {crowd.wrong}"
        )
        print(f"                goodput {good / rate:.0%} of the peak, {len(crowd.refused)} of {asked} refused")
        print(
            f"                the router's processor: {per_answer * 1e6:.0f} µs an answer, {per_refusal * 1e6:.0f} µs a refusal"
        )
        print(f"                refusals p50 {percentile(crowd.refused, 0.5)}, p95 {percentile(crowd.refused, 0.95)}")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serving(given.places, Path(folder), measure))


if __name__ == "__main__":
    main()
