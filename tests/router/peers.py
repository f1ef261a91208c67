"""Our router beside Apollo Gateway and Hive Gateway, over the same subgraphs: answers, requests and stages for each case.

`python tests/router/peers.py [WORD ...]` runs all cases, or those whose names have one of the words. It needs Node.js; the
gateways come from npm at pinned versions, into a cache folder. A stage of a request is one more than that of the latest
request that was answered before it came, so it counts what really waited for what.

Where ours needs more than a peer that answers rightly, the case has a file `slower.txt` with the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import structlog
import uvicorn
from graphql import parse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent))

from case import ALL, Case

from router.server.app import build
from router.server.config import RouterConfig

PACKAGES: Final = {
    "@apollo/gateway": "2.14.4",
    "@apollo/server": "5.5.1",
    "@graphql-hive/gateway": "2.15.1",
    "@graphql-hive/router-runtime": "1.4.23",
    "graphql": "16.12.0",
}
PEERS: Final = ("apollo", "hive", "hive-rust")
PAUSE: Final = 0.03


@dataclass
class Meter:
    """Counts the requests of one operation, and how many of them had to wait for each other."""

    requests: int = 0
    stages: int = 0
    done: int = 0

    def begin(self) -> int:
        self.requests += 1
        stage = self.done + 1
        self.stages = max(self.stages, stage)
        return stage


@dataclass
class Outcome:
    """What one gateway made of one case."""

    right: bool
    requests: int
    stages: int
    failure: str = ""

    def __str__(self) -> str:
        return f"{self.requests} in {self.stages}" if self.right else "wrong" if not self.failure else "failed"


@dataclass
class Subgraphs:
    """All subgraphs of all cases behind one address."""

    port: int = 0
    meter: Meter = field(default_factory=Meter)

    async def answer(self, request: Request) -> JSONResponse:
        asked = await request.json()
        meter, stage = self.meter, self.meter.begin()
        await asyncio.sleep(PAUSE)
        case = next(case for case in ALL if case.path.name == request.path_params["case"])
        try:
            data = case.ask(request.path_params["graph"], parse(asked["query"]), asked.get("variables") or {})
            answer: dict[str, Any] = {"data": data}
        except Exception as error:  # noqa: BLE001 -- whatever a gateway asks, it gets an answer
            answer = {"data": None, "errors": [{"message": str(error)}]}
        meter.done = max(meter.done, stage)
        return JSONResponse(answer)

    def supergraph(self, case: Case) -> str:
        text = (case.path / "supergraph.graphql").read_text()
        for endpoint in case.supergraph.subgraphs.values():
            text = text.replace(f'"{endpoint.url}"', f'"http://127.0.0.1:{self.port}/{case.path.name}/{endpoint.name}"')
        return text


@asynccontextmanager
async def serving() -> AsyncIterator[Subgraphs]:
    """Serve the subgraphs on a free port."""
    subgraphs = Subgraphs()
    app = Starlette(routes=[Route("/{case}/{graph}", subgraphs.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    subgraphs.port = server.servers[0].sockets[0].getsockname()[1]
    yield subgraphs
    server.should_exit = True
    await task


def installed() -> Path:
    """The folder with the gateways, filled on first use."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "psa-platform" / "peers"
    wanted = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES}, indent=1)
    manifest, done = folder / "package.json", folder / "installed"
    if not (done.exists() and manifest.read_text() == wanted):
        folder.mkdir(parents=True, exist_ok=True)
        manifest.write_text(wanted)
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("The peers run on Node.js, and there is no npm.")
        subprocess.run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        done.touch()
    return folder


async def ours(case: Case, subgraphs: Subgraphs) -> Any:
    """Our answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".graphql") as file:
        file.write(subgraphs.supergraph(case))
        file.flush()
        labels = dict.fromkeys(case.labels, True)
        app = build(RouterConfig(supergraph_file=Path(file.name), access_log=False, override_labels=labels))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://router") as client:
            asked = {"query": (case.path / "query.graphql").read_text(), "variables": case.variables}
            return (await client.post("/graphql", json=asked)).json()


@dataclass
class Peer:
    """One gateway in a process of its own; it is started again when an operation ends it."""

    name: str
    process: asyncio.subprocess.Process | None = None

    async def asked(self, line: bytes) -> bytes:
        if self.process is None or self.process.returncode is not None:
            script = str(Path(__file__).with_suffix(".mjs"))
            self.process = await asyncio.create_subprocess_exec(
                "node",
                script,
                str(installed()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                limit=2**24,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + b"\n")
        answer = await self.process.stdout.readline()
        if not answer:
            await self.process.wait()
        return answer or b'{"failed": "the process ended"}'

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def theirs(peer: Peer, case: Case, subgraphs: Subgraphs) -> Any:
    """The answer of a peer."""
    asked = {
        "gateway": peer.name,
        "name": case.path.name,
        "supergraph": subgraphs.supergraph(case),
        "query": (case.path / "query.graphql").read_text(),
        "variables": case.variables,
    }
    return json.loads(await peer.asked(json.dumps(asked).encode()))


async def compare(cases: list[Case]) -> int:
    """Run all cases through all gateways and print the table; the number of cases where ours is worse without a reason."""
    unexplained = 0
    peers = [Peer(name) for name in PEERS]
    async with serving() as subgraphs:
        for case in cases:
            found = {"ours": await _metered(subgraphs, case, ours(case, subgraphs))}
            for peer in peers:
                found[peer.name] = await _metered(subgraphs, case, theirs(peer, case, subgraphs))
            mark = _mark(case, found)
            unexplained += mark == "WORSE"
            _line(case.path.name, [str(outcome) for outcome in found.values()], mark)
    for peer in peers:
        await peer.stop()
    return unexplained


async def _metered(subgraphs: Subgraphs, case: Case, answer: Any) -> Outcome:
    subgraphs.meter = meter = Meter()
    got = await answer
    right = got.get("data") == case.answer and not got.get("errors")
    failure = str(got.get("failed") or got.get("errors") or "")
    if os.environ.get("PSA_PEERS_VERBOSE") and not right:
        sys.stderr.write(f"{case.path.name} {json.dumps(got)[:600]}\n")
    return Outcome(right, meter.requests, meter.stages, failure)


def _line(name: str, columns: list[str], mark: str) -> None:
    sys.stdout.write(f"{name:78} {' '.join(f'{column:10}' for column in columns)} {mark}\n")
    sys.stdout.flush()


def _mark(case: Case, found: dict[str, Outcome]) -> str:
    own = found["ours"]
    if not own.right:
        return "WORSE"
    right = [found[peer] for peer in PEERS if found[peer].right]
    if all(own.requests <= one.requests and own.stages <= one.stages for one in right):
        return ""
    return "explained" if (case.path / "slower.txt").exists() else "WORSE"


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    words = sys.argv[1:]
    chosen = [case for case in ALL if not words or any(word in case.path.name for word in words)]
    _line("case: requests in stages", ["ours", *PEERS], "")
    sys.exit(1 if asyncio.run(compare(chosen)) else 0)
