"""Real clients, unchanged: graphql-ws, graphql-sse in both modes, Apollo Client, urql (npm) and gql (Python) subscribe here."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { id title customer { name } } }'
PACKAGES = ("graphql@16", "graphql-ws@6", "graphql-sse@2", "ws@8", "@apollo/client@3", "@urql/core@5")
SCRIPT = Path(__file__).parent / "clients.mjs"


def answer(title: str) -> dict[str, Any]:
    return {"id": "t1", "title": title, "customer": {"name": "ACME"}}


def modules() -> Path:
    """Return a folder from which Node finds the clients; installed once, outside of the repository."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("LEFT OUT: subscriptions of npm's clients; they need Node.js and npm")
    folder = Path(os.environ.get("PSA_TEST_NODE", Path(tempfile.gettempdir()) / "psa-test-node")) / "streams"
    if not (folder / "node_modules" / "graphql-ws").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"LEFT OUT: subscriptions of npm's clients; npm can't install them: {done.stderr}")
    return folder


@pytest.mark.node
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "client", ["graphql-ws", "graphql-sse", "graphql-sse over one connection", "Apollo Client", "urql"]
)
async def test_a_client_of_npm_subscribes_unchanged(live: Any, issuer: Any, client: str) -> None:
    folder = modules()
    async with live(authentication=issuer.settings()) as psa:
        environment = {**os.environ, "MODULES": str(folder), "TOKEN": issuer.token()}
        process = await asyncio.create_subprocess_exec(
            *("node", str(SCRIPT), client, f"{psa.url}/graphql", SUBSCRIPTION, "2"),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        await psa.feed.heard_by(1, seconds=60)
        psa.feed.emit("Printer")
        first = json.loads(await process.stdout.readline())
        psa.feed.emit("Scanner")
        second = json.loads(await process.stdout.readline())
        rest, complaints = await process.communicate()
        await psa.quiet()

    seen = [_plain(one["data"]["ticketUpdated"]) for one in (first, second)]
    assert seen == [answer("Printer"), answer("Scanner")]
    assert complaints.decode() == ""
    assert (process.returncode, rest) == (0, b"")


def _plain(value: Any) -> Any:
    """Leave out the `__typename` that a client adds by itself."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key != "__typename"}
    return value


@pytest.mark.parametrize("over", ["a WebSocket", "parts"])
async def test_gql_of_python_subscribes_unchanged(live: Any, issuer: Any, over: str) -> None:
    gql = pytest.importorskip("gql")
    from gql.transport.aiohttp import AIOHTTPTransport  # noqa: PLC0415
    from gql.transport.websockets import WebsocketsTransport  # noqa: PLC0415

    async with live(authentication=issuer.settings()) as psa:
        transport: Any = WebsocketsTransport(
            url=psa.url.replace("http", "ws") + "/graphql", init_payload={"Authorization": f"Bearer {issuer.token()}"}
        )
        if over == "parts":
            transport = AIOHTTPTransport(url=f"{psa.url}/graphql", headers=issuer.bearer())
        seen = []
        async with gql.Client(transport=transport, fetch_schema_from_transport=False) as session:
            results = session.subscribe(gql.gql(SUBSCRIPTION))
            waiting = asyncio.ensure_future(anext(results))
            await psa.feed.heard_by(1)
            psa.feed.emit("Printer")
            seen.append(await waiting)
            await results.aclose()

    assert seen == [{"ticketUpdated": answer("Printer")}]
