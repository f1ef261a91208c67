"""The process: it takes other settings without dropping anybody, and ends without dropping anybody."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

from tests.router.server.process import running, supergraph

SLEEP = {"query": "{ sleeps(seconds: 1.5) }"}


async def test_settings_and_supergraph_are_taken_while_it_serves(platform: Any, served: Any, tmp_path: Path) -> None:
    config = tmp_path / "router.yaml"
    config.write_text("limits: {max_aliases: 5}\n")
    wide = "{ a: __typename b: __typename }"
    async with platform() as psa, served(psa.modules["crm"]) as url:
        file = await supergraph(psa, url, tmp_path)
        async with running(tmp_path, "-s", str(file), "-c", str(config)) as router:
            before = await router.ask(wide)
            waiting = asyncio.create_task(router.ask("{ sleeps(seconds: 1) }"))
            await asyncio.sleep(0.2)
            config.write_text("limits: {max_aliases: 1}\n")
            router.process.send_signal(signal.SIGHUP)
            await router.until_said("settings.reloaded")
            after = await router.ask(wide)
            kept = await waiting
            config.write_text("limits: {max_aliasses: 1}\n")
            router.process.send_signal(signal.SIGHUP)
            await router.until_said("settings.kept_old")
            still = await router.ask(wide)
            config.write_text("limits: {max_aliases: 1}\n")
            file.write_text(file.read_text().replace("sleeps(", "dozes("))
            router.process.send_signal(signal.SIGHUP)
            await router.until_said("supergraph.reloaded")
            renamed = await router.ask("{ sleeps(seconds: 0) }")

    assert before == {"data": {"a": "Query", "b": "Query"}}
    assert kept == {"data": {"sleeps": "awake"}}
    assert [one["errors"][0]["extensions"]["code"] for one in (after, still)] == ["MAX_ALIASES_LIMIT"] * 2
    assert "did you mean limits.max_aliases?" in (tmp_path / "log").read_text()
    assert renamed["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_changed_files_are_noticed_and_an_end_drops_nobody(platform: Any, served: Any, tmp_path: Path) -> None:
    config = tmp_path / "router.yaml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        beside = free.getsockname()[1]
    config.write_text(
        f"shutdown: {{delay_seconds: 1}}\nhealth_check: {{listen: '127.0.0.1:{beside}', path: /healthz}}\n"
    )
    async with platform() as psa, served(psa.modules["crm"]) as url:
        file = await supergraph(psa, url, tmp_path)
        environment = {"APOLLO_ROUTER_SUPERGRAPH_PATH": str(file), "APOLLO_ROUTER_CONFIG_PATH": str(config)}
        os.environ.update(environment)
        try:
            async with running(tmp_path, "--hot-reload") as router:
                await asyncio.sleep(1.2)
                good = file.read_text()
                file.write_text("nonsense {")
                await router.until_said("settings.kept_old")
                kept = await router.ask("{ __typename }")
                file.write_text(good.replace("fails:", "faults:"))
                await router.until_said("supergraph.reloaded")
                renamed = await router.ask("{ faults }")
                working = asyncio.create_task(router.client.post("/graphql", json=SLEEP))
                await asyncio.sleep(0.3)
                router.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.2)
                ready = await router.client.get("/health/ready")
                alive = await router.client.get("/health/live")
                probed = await router.client.get(f"http://127.0.0.1:{beside}/healthz?ready")
                hidden = await router.client.post(
                    f"http://127.0.0.1:{beside}/graphql", json={"query": "{ __typename }"}
                )
                late = await router.ask("{ __typename }")
                finished = await working
                async with asyncio.timeout(10):
                    status = await router.process.wait()
        finally:
            for name in environment:
                del os.environ[name]

    assert kept == late == {"data": {"__typename": "Query"}}
    assert "GRAPHQL_VALIDATION_FAILED" not in str(renamed)
    assert (ready.status_code, ready.json(), alive.status_code) == (503, {"status": "DOWN"}, 200)
    assert finished.json() == {"data": {"sleeps": "awake"}}
    assert (probed.status_code, hidden.status_code) == (503, 404)
    assert status == 0
