"""How much CPU composition takes, ours and Apollo's beside each other, on graphs that grow.

    .venv/bin/python bench/composition.py [--sizes 5x60,10x60,20x60] [--node FOLDER] [--repeat 3]

FOLDER has `node_modules` with @apollo/composition and graphql; without it, or without Node.js, only ours is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ORACLE = ROOT / "tests" / "router" / "composition" / "oracle.cjs"
LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@shareable", "@external", "@requires", "@tag"])\n'
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One composition in a process of its own."""

    cpu_seconds: float
    answer: dict[str, Any]


def subgraphs(count: int, types: int) -> list[dict[str, str]]:
    """Make `count` subgraphs with `types` object types each: half are its own entities, half are its neighbour's."""
    return [
        {"name": f"s{index:02}", "url": f"http://s{index:02}", "sdl": _sdl(index, count, types // 2)}
        for index in range(count)
    ]


def _sdl(index: int, count: int, entities: int) -> str:
    parts = [
        LINK,
        "type Money @shareable { amount: Int! currency: String! }",
        f"enum Status{index} {{ OPEN CLOSED }}",
        f"input Filter{index} {{ status: Status{index} first: Int = 10 }}",
        f"type Query {{ {' '.join(_queries(index, entities))} }}",
        *(_own(index, number, entities) for number in range(entities)),
        *(_contribution((index - 1) % count, index, number) for number in range(entities) if count > 1),
    ]
    return "\n".join(parts)


def _queries(index: int, entities: int) -> Iterator[str]:
    for number in range(0, entities, 5):
        yield f"e{index}x{number}(filter: Filter{index}): [E{index}x{number}!]!"


def _own(index: int, number: int, entities: int) -> str:
    following = (number + 1) % entities
    return (
        f'"Entity {number} of subgraph {index}." type E{index}x{number} @key(fields: "id") {{ id: ID! name: String! '
        f'weight: Int secret: String @tag(name: "internal") price: Money status: Status{index} '
        f"next: E{index}x{following} all(first: Int): [E{index}x{following}!]! }}"
    )


def _contribution(owner: int, index: int, number: int) -> str:
    return (
        f'type E{owner}x{number} @key(fields: "id") {{ id: ID! weight: Int @external extra{index}: String '
        f'cost{index}: Money @requires(fields: "weight") seen{index}: E{index}x{number} }}'
    )


def measure(command: Sequence[str], request: str, environment: dict[str, str]) -> Measured:
    """Run one process over one request; its CPU time includes its start."""
    before = _children()
    done = subprocess.run(command, input=request, capture_output=True, text=True, env=environment, cwd=ROOT, check=True)
    return Measured(_children() - before, json.loads(done.stdout))


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def commands(node: Path | None) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Who can be measured here."""
    found = {"ours": ([sys.executable, "-m", "router", "compose", "--server"], dict(os.environ))}
    if node is not None and shutil.which("node") and (node / "node_modules" / "@apollo" / "composition").is_dir():
        environment = os.environ | {"NODE_PATH": str(node / "node_modules")}
        found["Apollo's"] = (["node", str(ORACLE)], environment)
    return found


def rows(sizes: Sequence[tuple[int, int]], node: Path | None, repeat: int) -> Iterator[str]:
    """Measure; one line of a Markdown table per size, the least of all repetitions in each cell."""
    who = commands(node)
    yield f"| subgraphs x types | SDL, kB | {' | '.join(f'{name}, CPU s' for name in who)} | supergraphs |"
    yield f"|---|---|{'---|' * len(who)}---|"
    for count, types in sizes:
        graph = subgraphs(count, types)
        request = json.dumps({"id": 1, "subgraphs": graph}) + "\n"
        best = {
            name: min((measure(command, request, environment) for _ in range(repeat)), key=lambda m: m.cpu_seconds)
            for name, (command, environment) in who.items()
        }
        kilobytes = sum(len(subgraph["sdl"]) for subgraph in graph) / 1000
        cells = " | ".join(f"{measured.cpu_seconds:.2f}" for measured in best.values())
        yield f"| {count} x {types} | {kilobytes:.0f} | {cells} | {_agreement(list(best.values()))} |"


def _agreement(measured: Sequence[Measured]) -> str:
    if not all(one.answer["ok"] for one in measured):
        return "refused"
    texts = {one.answer["supergraph"].strip() for one in measured}
    if len(measured) == 1:
        return "composed"
    return "equal" if len(texts) == 1 else "differ"


def _sizes(text: str) -> list[tuple[int, int]]:
    pairs = (size.split("x") for size in text.split(","))
    return [(int(count), int(types)) for count, types in pairs]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=_sizes("1x2,5x60,10x60,20x60,20x150,20x300"))
    parser.add_argument("--node", type=Path)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    print("load before:", " ".join(f"{load:.1f}" for load in os.getloadavg()), "on", os.cpu_count(), "CPUs")
    for line in rows(given.sizes, given.node, given.repeat):
        print(line, flush=True)
    print("load after:", " ".join(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
