"""Clients that others wrote sign in unchanged: openid-client and oauth4webapi, from npm, as their documentation says."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.subgraphs.auth.serving import served

pytestmark = [pytest.mark.node, pytest.mark.timeout(180)]

PACKAGES = {"openid-client": "6.8.9", "oauth4webapi": "3.8.8"}
SCRIPT = Path(__file__).with_name("clients.mjs")


def installed() -> Path:
    """A folder from which Node finds the libraries; installed once, outside of the repository."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("LEFT OUT: signing in with openid-client and oauth4webapi; it needs Node.js and npm")
    folder = Path(os.environ.get("PSA_TEST_NODE_OIDC", Path(tempfile.gettempdir()) / "psa-test-node" / "oidc"))
    if not all((folder / "node_modules" / name).exists() for name in PACKAGES):
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(
                f"LEFT OUT: signing in with openid-client and oauth4webapi; npm can't install them: {done.stderr}"
            )
    return folder


@pytest.mark.parametrize("library", PACKAGES)
async def test_a_library_of_others_signs_in(database: str, library: str):
    folder = await asyncio.to_thread(installed)
    async with served(database) as (auth, origin):
        user = await auth.person()
        client, secret = await auth.app()
        browser = await auth.signed_in(user)
        environment = {
            **os.environ,
            "LIBRARY": library,
            "ISSUER": origin,
            "CLIENT": client.client_id,
            "SECRET": secret,
            "BACK": client.redirect_uris[0],
            "FROM": str(folder),
        }
        process = await asyncio.create_subprocess_exec(
            *("node", str(SCRIPT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        where = (await process.stdout.readline()).decode().strip()
        await browser.open(where)
        await browser.send("/auth/consent", decision="allow")
        said, problems = await process.communicate(f"{browser.page.headers['location']}\n".encode())
        assert process.returncode == 0, problems.decode()

    told = json.loads(said)
    assert (told["sub"], told["email"]) == (str(user.id), user.email)
    assert set(told["scope"].split()) == {"openid", "profile", "email", "offline_access", "tickets:read"}
    assert (told["before"], told["after"], told["reused"]) == (True, False, "invalid_grant")
    assert told["leave"].startswith(f"{origin}/auth/logout")
