"""Any bytes give a well-formed response with 2xx or 4xx, and the process lives: `python tests/fuzz/requests.py --count 1000000`.

A seed makes a run; the same seed makes the same run again. What breaks the promise is printed with its seed and its number, and
kept as a file in the folder that is named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from router.server.app import build
from router.server.config import RouterConfig

SUPERGRAPH = Path(__file__).resolve().parents[2] / "contracts" / "graph" / "supergraph.graphql"
WORDS = [
    "query",
    "mutation",
    "subscription",
    "fragment",
    "on",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ":",
    "!",
    "=",
    "|",
    "&",
    "@",
    "$",
    "...",
    "#",
    ",",
    "true",
    "false",
    "null",
    "customer",
    "customers",
    "id",
    "name",
    "tickets",
    "assets",
    "title",
    "status",
    "__typename",
    "__schema",
    "__type",
    "types",
    "fields",
    "type",
    "ofType",
    "skip",
    "include",
    "if",
    "defer",
    "stream",
    "label",
    '"123"',
    '"open"',
    '"""x"""',
    "1",
    "-1",
    "0.5",
    "1e9",
    "$a",
    "a:",
    "F",
    "...",
    "...F",
    "@skip(if:true)",
    "\\u0000",
    "\\uD800",
    "é",
    "😀",
]
HEADERS = (
    ("content-type", ("application/json", "application/graphql", "text/plain", "multipart/form-data; boundary=x", "")),
    (
        "accept",
        ("application/json", "application/graphql-response+json", "*/*", "x", "multipart/mixed;deferSpec=20220824"),
    ),
    ("content-encoding", ("gzip", "br", "zstd", "deflate", "identity")),
    ("apollo-require-preflight", ("1",)),
    ("accept-encoding", ("gzip;q=x", "br", "*")),
    ("authorization", ("Bearer x", "", "Bearer \x00")),
    ("origin", ("null", "https://x", "\xff")),
    ("apollographql-client-name", ("x",)),
)


@dataclass
class Report:
    """What came of a run."""

    statuses: dict[int, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0.0


def document(roll: random.Random) -> str:
    """Words of the language in no order."""
    return " ".join(roll.choice(WORDS) for _ in range(roll.randint(0, 40)))


def value(roll: random.Random, depth: int = 0) -> Any:
    """Any JSON."""
    kinds = [None, True, 7, -1.5, "x", "é" * 50, document(roll), 10**25]
    if depth < 4:
        kinds += [[value(roll, depth + 1) for _ in range(roll.randint(0, 3))]] * 3
        kinds += [{roll.choice(WORDS): value(roll, depth + 1) for _ in range(roll.randint(0, 3))}] * 3
    return roll.choice(kinds)


def body(roll: random.Random) -> bytes:
    """A request's body: nearly right, or no matter what."""
    if roll.random() < 0.2:
        return roll.randbytes(roll.randint(0, 400))
    request: Any = {"query": document(roll)}
    for key in ("variables", "operationName", "extensions", "documentId", "query"):
        if roll.random() < 0.3:
            request[key] = value(roll)
    if roll.random() < 0.2:
        request = [request] * roll.randint(0, 3)
    text = bytearray(json.dumps(request, ensure_ascii=roll.random() < 0.5).encode("utf-8", "replace"))
    for _ in range(roll.choice((0, 0, 0, 1, 5))):
        if text:
            text[roll.randrange(len(text))] = roll.randrange(256)
    return bytes(text)


def roll_request(roll: random.Random) -> dict[str, Any]:
    """One HTTP request."""
    headers = [("content-type", "application/json")] if roll.random() < 0.7 else []
    headers += [(name, roll.choice(values)) for name, values in HEADERS if roll.random() < 0.1]
    raw = [(name.encode(), given.encode("latin-1")) for name, given in headers]
    method = roll.choice(("POST",) * 6 + ("GET", "GET", "PUT", "OPTIONS"))
    made: dict[str, Any] = {"method": method, "url": "/graphql", "headers": raw}
    if method == "GET":
        made["params"] = {key: document(roll) for key in ("query", "variables", "extensions") if roll.random() < 0.6}
    else:
        made["content"] = body(roll)
    return made


async def run(seed: int, count: int, *, keep: Path | None = None) -> Report:
    """Send `count` requests; every one must be answered well."""
    config = RouterConfig.model_validate(
        {
            "supergraph_file": SUPERGRAPH,
            "access_log": False,
            "batching": {"enabled": True},
            "rate_limit": {"enabled": False},
        }
    )
    app = build(config)
    report = Report()
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://router", timeout=30) as client,
    ):
        for number in range(count):
            made = roll_request(random.Random(f"{seed}/{number}"))
            started = time.perf_counter()
            problem = await _problem(client, made, report)
            report.slowest = max(report.slowest, time.perf_counter() - started)
            if problem:
                report.broken.append(f"seed {seed}, number {number}: {problem}")
                if keep:
                    (keep / f"{seed}-{number}.txt").write_text(repr(made))
    return report


async def _problem(client: httpx2.AsyncClient, made: dict[str, Any], report: Report) -> str | None:
    try:
        response = await client.request(**made)
    except Exception as fault:  # noqa: BLE001 - whatever comes out is what we look for
        return f"raised {fault!r}"
    report.statuses[response.status_code] = report.statuses.get(response.status_code, 0) + 1
    if not 200 <= response.status_code < 500:
        return f"status {response.status_code}: {response.text[:200]}"
    if response.headers.get("content-type", "").startswith("application/") and response.content:
        try:
            response.json()
        except ValueError:
            return f"no JSON: {response.text[:200]}"
    return None


def main() -> int:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    options.add_argument("--keep", type=Path)
    chosen = options.parse_args()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    report = asyncio.run(run(chosen.seed, chosen.count, keep=chosen.keep))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    seconds = time.perf_counter() - started
    print(  # noqa: T201 - the count is what one runs it for
        f"seed {chosen.seed}: {chosen.count} requests in {seconds:.0f} s, slowest {report.slowest:.2f} s, "
        f"memory +{grown:.0f} MB, statuses {dict(sorted(report.statuses.items()))}, broken {len(report.broken)}"
    )
    for problem in report.broken:
        print(problem)  # noqa: T201 - the same
    return int(bool(report.broken))


if __name__ == "__main__":
    sys.exit(main())
