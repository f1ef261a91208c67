"""Apollo Client, urql (npm) and gql (Python), unchanged: queries, mutations, persisted queries and files."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.router.server.process import running, supergraph

SCRIPT = Path(__file__).parent / "clients.mjs"
PACKAGES = ("graphql@16", "@apollo/client@3", "apollo-upload-client@18", "@urql/core@5", "@urql/exchange-persisted@4")
SEED = {"customer": {"name": "ACME", "tickets": [{"id": "t1", "title": "Printer"}]}}
RENAMED = {"rename": {"id": "123", "name": "New"}}


def stored(name: str, content: bytes) -> str:
    return f"{name} text/plain {hashlib.sha256(content).hexdigest()} None"


def modules() -> Path:
    """Return a folder from which Node finds the clients; installed once, outside of the repository."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("LEFT OUT: npm's clients; they need Node.js and npm")
    folder = Path(os.environ.get("PSA_TEST_NODE", Path(tempfile.gettempdir()) / "psa-test-node")) / "clients"
    if not (folder / "node_modules" / "@urql" / "exchange-persisted").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"LEFT OUT: npm's clients; npm can't install them: {done.stderr}")
    return folder


async def everywhere(psa: Any, served: Any, folder: Path, stack: Any) -> Path:
    """Serve every module over HTTP; returns the supergraph that knows their addresses."""
    file = folder
    for name, module in psa.modules.items():
        url = await stack.enter_async_context(served(module))
        await psa.app.state.registry.register(module.registration(url))
        if name == "crm":
            file = await supergraph(psa, url, folder)
    file.write_text(psa.app.state.graphs.sdl)
    return file


def plain(value: Any) -> Any:
    """Leave out the `__typename` that a client adds by itself."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key != "__typename"}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


async def of_npm(client: str, url: str, folder: Path) -> tuple[Any, list[str]]:
    """Return what a client of npm was answered, and the requests for which that took."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(SCRIPT), client, url),
        env={**os.environ, "MODULES": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    answers = json.loads(output)
    requests = answers.pop("requests")
    return plain(answers), requests


async def of_python(url: str, folder: Path) -> Any:
    """Return what gql was answered."""
    gql = pytest.importorskip("gql")
    from gql.transport.aiohttp import AIOHTTPTransport  # noqa: PLC0415

    query = 'query($id: ID!) { customer(id: $id) { name tickets(status: "open") { id title } } }'
    attach = folder / "a.txt"
    attach.write_bytes(b"content")
    transport: Any = AIOHTTPTransport(url=url, headers={"apollo-require-preflight": "true"})
    async with gql.Client(transport=transport, fetch_schema_from_transport=True) as session:
        asked, sent = gql.gql(query), gql.gql("mutation($files: [Upload!]!) { store(files: $files) }")
        asked.variable_values = {"id": "123"}
        sent.variable_values = {"files": [gql.FileVar(str(attach), filename="a.txt", content_type="text/plain")]}
        return {
            "query": await session.execute(asked),
            "mutation": await session.execute(gql.gql('mutation { rename(name: "New") { id name } }')),
            "uploaded": await session.execute(sent, upload_files=True),
        }


@pytest.mark.node
@pytest.mark.timeout(180)
async def test_clients_of_npm_work_unchanged(platform: Any, served: Any, tmp_path: Path) -> None:
    folder = modules()
    async with platform() as psa, contextlib.AsyncExitStack() as stack:
        file = await everywhere(psa, served, tmp_path, stack)
        async with running(tmp_path, "--supergraph", str(file)) as router:
            url = f"{router.client.base_url}/graphql"
            (apollo, apollos), (urql, urqls) = await asyncio.gather(
                of_npm("Apollo Client", url, folder), of_npm("urql", url, folder)
            )

    assert apollo == urql
    assert apollo == {
        "query": SEED,
        "mutation": RENAMED,
        "learned": SEED,
        "known": SEED,
        "uploaded": {"store": [stored("1.txt", b"one"), stored("2.txt", b"two")]},
    }
    # By hash first, then with the text, and the second time the hash is enough.
    assert (apollos, urqls) == (["GET hash", "POST hash", "GET hash"], ["GET hash", "GET hash", "GET hash"])


@pytest.mark.timeout(120)
async def test_gql_of_python_works_unchanged(platform: Any, served: Any, tmp_path: Path) -> None:
    async with platform() as psa, served(psa.app) as url:
        answers = await of_python(f"{url}/graphql", tmp_path)

    assert answers == {"query": SEED, "mutation": RENAMED, "uploaded": {"store": [stored("a.txt", b"content")]}}
