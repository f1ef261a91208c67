"""Clients that their makers have built for `@defer`, unmodified, against the router over loopback.

Needs Node.js, and npm's clients: in the folder that PSA_TEST_NODE_CLIENTS names, or installed into a temporary folder on first use.
"""

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

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parent / "deferring_clients.mjs"
PACKAGES = ("@apollo/client@4", "apollo-client-3@npm:@apollo/client@3", "@urql/core@6", "rxjs@7", "graphql@16")
QUERY = """
query Later {
  customer(id: "123") {
    id
    name
    ... @defer(label: "tickets") { tickets(status: "open") { id title } }
    ... @defer(label: "assets") { assets { name type } }
  }
  ... @defer(label: "slow") { sleeps(seconds: 0.15) }
}
"""
FIRST = {"customer": {"id": "123", "name": "ACME"}}
LAST = {
    "customer": {
        "id": "123",
        "name": "ACME",
        "tickets": [{"id": "t1", "title": "Printer"}],
        "assets": [{"name": "srv-1", "type": "SERVER"}],
    },
    "sleeps": "awake",
}


@pytest.fixture(scope="module")
def packages() -> Path:
    """Return the folder with the clients."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("LEFT OUT: Apollo Client and urql asking with @defer; they need Node.js and npm")
    folder = Path(os.environ.get("PSA_TEST_NODE_CLIENTS", Path(tempfile.gettempdir()) / "psa-test-node" / "deferring"))
    if not (folder / "node_modules" / "@urql" / "core").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *PACKAGES]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("LEFT OUT: Apollo Client and urql asking with @defer; npm can't install them")
    return folder


async def steps(packages: Path, client: str, url: str) -> list[dict[str, Any]]:
    """What the client hands to its user, step by step."""
    environment = {**os.environ, "CLIENTS": str(packages), "CLIENT": client, "ROUTER_URL": url, "QUERY": QUERY}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", str(SCRIPT), env=environment, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    found: list[dict[str, Any]] = json.loads(said)["steps"]
    return found


def without_typenames(data: Any) -> Any:
    """Apollo Client asks for `__typename` everywhere."""
    if isinstance(data, dict):
        return {key: without_typenames(value) for key, value in data.items() if key != "__typename"}
    if isinstance(data, list):
        return [without_typenames(item) for item in data]
    return data


@pytest.mark.parametrize("client", ["apollo-client 3", "apollo-client 4", "apollo-client 4, draft", "urql"])
async def test_a_client_shows_first_what_comes_first_and_in_the_end_everything(
    platform: Any, served: Any, packages: Path, client: str
) -> None:
    async with platform() as running, served(running.app) as url:
        found = await steps(packages, client, f"{url}/graphql")

        assert without_typenames(found[0]["data"]) == FIRST
        assert without_typenames(found[-1]["data"]) == LAST
        assert [step.get("errors") for step in found] == [None] * len(found)


@pytest.mark.parametrize("client", ["apollo-client 3", "apollo-client 4", "apollo-client 4, draft", "urql"])
async def test_a_client_shows_what_there_is_when_a_service_is_down(
    platform: Any, served: Any, packages: Path, client: str
) -> None:
    async with platform() as running, served(running.app) as url:
        del running.running["assets"]
        found = await steps(packages, client, f"{url}/graphql")

        expected = {**LAST, "customer": {**LAST["customer"], "assets": None}}
        assert without_typenames(found[0]["data"]) == FIRST
        assert without_typenames(found[-1]["data"]) == expected
        assert {error for step in found for error in step.get("errors") or ()} == {
            "The service assets could not be reached; its fields are null."
        }
