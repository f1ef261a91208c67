"""Schemathesis asks every operation of the REST interface, with all its checks and in sequences: `./dev fuzz`.

The whole platform runs in this process, over real HTTP on 127.0.0.1, with one tenant that has a bit of everything; or with
`--address` and `--token` it is one that runs already (without a rate limit: `PSA_ROUTER_RATE_LIMIT='{"enabled": false}'`).
Schemathesis gets the OpenAPI document and a token, and nothing else, as a partner would. What it may expect of answers
stands in `schemathesis.toml` at the root, with the reasons: schemathesis finds it there without us, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import shlex
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx2
import uvicorn
from joserfc import jwt

from deploy.local.postgres import embedded_postgres
from deploy.local.serving import take
from subgraphs.kit import references
from tests.repository import ROOT
from tests.walls.platform import AUDIENCE, ISSUER, Platform, claims_of, listening, running
from tests.walls.twins import built

_SEQUENCES = "stateful"
_AT_A_TIME = 4
"""Resources in one run of sequences."""
_FEWEST = 30
"""Sequences in one run."""


@asynccontextmanager
async def served(admin_url: str, directory: Path) -> AsyncIterator[tuple[str, str]]:
    """The address of a platform, and a token with which one may do everything there."""
    name = f"fuzz_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        url = urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))
        with take(0) as own:
            address = f"http://127.0.0.1:{own.getsockname()[1]}"
            async with running(url, directory, address) as platform:
                twin = await built(platform, "f")
                async with _listening(platform, own):
                    yield address, _token(platform, twin.staff())
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@asynccontextmanager
async def listening_on(platform: Platform) -> AsyncIterator[str]:
    """The address of a platform that is heard on 127.0.0.1 meanwhile."""
    with take(0) as own:
        async with _listening(platform, own):
            yield f"http://127.0.0.1:{own.getsockname()[1]}"


@asynccontextmanager
async def _listening(platform: Platform, own: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(platform.router, log_level="error", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve([own]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _token(platform: Platform, caller: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now - 10, "exp": now + 36_000, **claims_of(caller)}
    return jwt.encode({"alg": "ES256", "kid": platform.issuer.kid, "typ": "at+jwt"}, claims, platform.issuer)


async def asked_all(
    address: str, token: str, directory: Path, options: Sequence[str]
) -> tuple[int, str, dict[str, set[str]]]:
    """Run schemathesis; its status, what it printed, and for each operation the statuses that it met."""
    report = directory / "report.ndjson"
    program = [str(Path(sys.executable).with_name("st")), "--config-file", str(ROOT / "schemathesis.toml"), "run"]
    process = await asyncio.create_subprocess_exec(
        *program,
        f"{address}/api/v1/openapi.json",
        "-H",
        f"Authorization: Bearer {token}",
        "--checks",
        "all",
        "--report",
        "ndjson",
        "--report-ndjson-path",
        str(report),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
        env={**os.environ, "NO_COLOR": "1"},
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().replace(token, "TOKEN"), _met(report)


def _met(report: Path) -> dict[str, set[str]]:
    """The statuses that each operation answered, from what schemathesis wrote down of every scenario."""
    found: dict[str, set[str]] = {}
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else ():
        told = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
        cases = told.get("cases", {})
        for name, exchange in told.get("interactions", {}).items():
            asked = cases.get(name, {}).get("value", {})
            label = told["label"] if " /" in told["label"] else f"{asked.get('method')} {asked.get('path')}"
            met = found.setdefault(label, set())
            if exchange.get("response"):
                met.add(str(exchange["response"]["status_code"]))
    return found


async def _main(options: argparse.Namespace, rest: list[str]) -> int:
    references._PATIENCE_SECONDS = references._POLL_SECONDS = 0.001
    with tempfile.TemporaryDirectory(prefix="psa-fuzz-") as folder, listening():
        directory = Path(folder)
        async with _meant(options, directory) as (address, token):
            operations = await _operations(address, token)
            if options.paths:
                operations = {name for name in operations if re.search(options.paths, name.partition(" ")[2])}
            status, said, met = 0, "", dict[str, set[str]]()
            for phases, paths in _runs(options, operations):
                examples = max(options.examples, _FEWEST) if phases == _SEQUENCES else options.examples
                asked = ["--max-examples", str(examples), "--phases", phases, *rest]
                asked += ["--include-path-regex", paths] if paths else []
                failed, told, found = await asked_all(address, token, directory, asked)
                status, said = status or failed, said + told
                for name, statuses in found.items():
                    met.setdefault(name, set()).update(statuses)
    silent = sorted(operations - met.keys())
    refused = sorted(name for name in operations & met.keys() if not any(one[0] in "23" for one in met[name]))
    sys.stdout.write(f"{said}\noperations met: {len(operations) - len(silent)} of {len(operations)}\n")
    sys.stdout.writelines(f"  never asked: {name}\n" for name in silent)
    sys.stdout.write(f"operations that succeeded at least once: {len(operations) - len(silent) - len(refused)}\n")
    sys.stdout.writelines(f"  always refused: {name} ({', '.join(sorted(met[name]))})\n" for name in refused)
    return status or int(bool(silent))


def _runs(options: argparse.Namespace, operations: set[str]) -> Iterator[tuple[str, str]]:
    """What schemathesis is asked for, one time after the other: the phases, and a pattern of paths.

    Sequences begin anywhere and follow links, from lists to things and on. Among all operations at once they begin somewhere else at
    every step, and follow none; so they get a few resources at a time.
    """
    phases = options.phases.split(",")
    alone = [phase for phase in phases if phase != _SEQUENCES]
    if alone:
        yield ",".join(alone), options.paths
    if _SEQUENCES in phases and options.paths:
        yield _SEQUENCES, options.paths
    elif _SEQUENCES in phases:
        resources = sorted({name.partition(" /")[2].partition("/")[0] for name in operations if name.endswith("/{id}")})
        for at in range(0, len(resources), _AT_A_TIME):
            names = "|".join(map(re.escape, resources[at : at + _AT_A_TIME]))
            yield _SEQUENCES, f"^/({names})(/|$)"


@asynccontextmanager
async def _meant(options: argparse.Namespace, directory: Path) -> AsyncIterator[tuple[str, str]]:
    """The platform that was named, or one of our own."""
    if options.address:
        yield options.address, options.token
        return
    async with (
        embedded_postgres(directory / "postgres", durable=False, say=lambda _: None) as server,
        served(server.admin_url, directory) as (address, token),
    ):
        yield address, token


async def _operations(address: str, token: str) -> set[str]:
    """Everything that the description promises, as schemathesis names it."""
    async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
        answer = await client.get("/api/v1/openapi.json", headers={"authorization": f"Bearer {token}"})
    methods = ("get", "post", "put", "patch", "delete")
    paths = answer.json()["paths"]
    return {f"{method.upper()} {path}" for path, item in paths.items() for method in methods if method in item}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--examples",
        type=int,
        default=5,
        help="random examples for each operation; 100 is the full strength, and takes hours",
    )
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--paths", default="", help="only what this regular expression finds: ^/tickets")
    parser.add_argument("--address", default="", help="a platform that runs already, instead of one of our own")
    parser.add_argument("--token", default="", help="who asks there")
    parser.add_argument("--more", default="", help="whatever else `st run` understands")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(_main(chosen, shlex.split(chosen.more))))
