"""The clients as a partner makes and uses them: with a key and the address of a platform, nothing else.

TypeScript is compiled and Python imported as the generators wrote them; each reads, makes, changes, meets refusals, and asks the
graph. Postman's collection is run by newman. Making them takes half a minute of a processor, so this waits for PSA_TEST_CLIENTS=1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from codegen.clients.tools import node_modules
from deploy.local import identity
from deploy.local.people import NORDLICHT
from tests.e2e.conftest import Platform
from tests.repository import ROOT

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "PSA_TEST_CLIENTS" not in os.environ, reason="LEFT OUT: making clients; PSA_TEST_CLIENTS=1 takes it in"
    ),
    pytest.mark.skipif(
        any(shutil.which(one) is None for one in ("node", "npm", "uv")),
        reason="LEFT OUT: clients; they need Node.js, npm and uv",
    ),
]
HERE = Path(__file__).parent / "clients"
SCOPES = ["customers:read", "tickets:read", "tickets:write", "assets:read", "changes:read"]
USED = {
    "pages": True,
    "created": [201, True],
    "same": True,
    "patched": ["Changed", 2],
    "bulk": [201, 404],
    "graph": [True, 2],
    "command": 0,
    "errors": True,
}


@pytest.fixture(scope="module")
def key(platform: Platform) -> str:
    """An API key that may do a part of what its owner may."""
    token = identity.token(platform.home, NORDLICHT, NORDLICHT.with_role("owner"))
    made = httpx2.post(
        f"{platform.url}/api/v1/api-keys",
        json={"name": "Clients", "scopes": SCOPES},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )
    assert made.status_code == 201, made.text
    secret: str = made.json()["secret"]
    return secret


def made(platform: Platform, key: str, name: str, folder: Path) -> Path:
    """Make a client by the command."""
    command = [sys.executable, "-m", "codegen.clients", "--out", str(folder), "--only", name]
    ran([*command, "--address", platform.url, "--key", key], ROOT)
    return folder / name


def ran(command: list[str], folder: Path, **environment: str) -> str:
    """Run a program that must succeed; what it printed."""
    settings = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_typescript_client_compiles_and_does_a_partners_day(platform, key, tmp_path):
    folder = made(platform, key, "typescript", tmp_path)
    shutil.copy(HERE / "use.ts", folder)

    ran([str(folder / "node_modules" / ".bin" / "tsc"), "--project", "."], folder)
    told = json.loads(ran(["node", "dist/use.js"], folder, PSA_URL=platform.url, PSA_KEY=key))

    refused = {
        "stale": [412, "STALE", None],
        "wrong": [422, "VALIDATION", "/title"],
        "absent": [404, "NOT_FOUND", None],
    }
    assert told == {**USED, **refused, "feed": True}


def test_the_python_clients_are_typed_and_do_a_partners_day(platform, key, tmp_path):
    folder = made(platform, key, "python", tmp_path)
    shutil.copy(HERE / "use.py", folder)
    python = ["uv", "run", "-q", "--no-project", "--with-requirements", "requirements.txt"]

    ran([*python, "--with", "mypy==1.19.1", "--with", "types-python-dateutil", "mypy", "use.py"], folder)
    told = json.loads(ran([*python, "python", "use.py"], folder, PSA_URL=platform.url, PSA_KEY=key))

    refused = {"stale": [412, "STALE"], "wrong": [422, "VALIDATION"], "absent": [404, "NOT_FOUND"]}
    assert told == {**USED, **refused}


def test_newman_runs_the_lists_of_the_postman_collection(platform, key, tmp_path):
    folder = made(platform, key, "postman", tmp_path)
    file = folder / "psa.postman_collection.json"
    collection = json.loads(file.read_text(encoding="utf-8"))
    lists = list(_lists(collection["item"]))
    file.write_text(json.dumps({**collection, "item": lists}), encoding="utf-8")

    values = ["--env-var", f"baseUrl={platform.url}/api/v1", "--env-var", f"apiKey={key}"]
    newman = str(node_modules("postman") / ".bin" / "newman")
    ran([newman, "run", file.name, *values, "--reporters", "json", "--reporter-json-export", "told.json"], folder)

    run = json.loads((folder / "told.json").read_text(encoding="utf-8"))["run"]
    statuses = {one["request"]["url"]["path"][-1]: one["response"]["code"] for one in run["executions"]}
    assert {"tickets", "customers", "contacts", "changes", "meta"} <= statuses.keys()
    # A key without account:read learns nothing of its owner's account, and everything else that it may.
    assert {path for path, status in statuses.items() if status != 200} == {"mfa-factors", "sessions"}


def _lists(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The requests that need nothing but a key, as they stand."""
    for item in items:
        yield from _lists(item.get("item", []))
        request = item.get("request")
        if isinstance(request, dict) and request["method"] == "GET":
            url = request["url"]
            if not url.get("variable") and all(one["disabled"] for one in url.get("query", [])):
                yield item
