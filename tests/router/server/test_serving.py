"""The process: it takes other settings without dropping anybody, and ends without dropping anybody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.router.server.process import Router, running, supergraph

SLEEPS = "{ sleeps(seconds: 0) }"


@dataclass
class Gate:
    """A service that lets nobody sleep before it's opened; it tells when somebody waits."""

    service: Any
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand on, sooner or later."""
        if scope["type"] != "http":
            return
        first = await receive()
        if b"sleeps" in first["body"] and not self.opened.is_set():
            self.waiting.set()
            await self.opened.wait()
        messages = [first]

        async def again() -> Any:
            return messages.pop() if messages else await receive()

        await self.service(scope, again, send)


async def takes_nobody_more(router: Router) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", router.client.base_url.port)
    except OSError:
        return True
    writer.close()
    return False


async def test_settings_and_supergraph_are_taken_while_it_serves_and_an_end_waits_for_who_is_at_work(
    platform: Any, served: Any, tmp_path: Path
) -> None:
    config = tmp_path / "router.yaml"
    config.write_text("limits: {max_aliases: 5}\n")
    wide = "{ a: __typename b: __typename }"
    async with platform() as psa:
        gate, end = Gate(psa.modules["crm"]), Gate(psa.modules["crm"])
        async with served(gate) as url, served(end) as beside:
            file = await supergraph(psa, url, tmp_path)
            async with running(tmp_path, "-s", str(file), "-c", str(config)) as router:
                before = await router.ask(wide)
                waiting = asyncio.create_task(router.ask(SLEEPS))
                await gate.waiting.wait()
                config.write_text("limits: {max_aliases: 1}\n")
                router.process.send_signal(signal.SIGHUP)
                await router.until_said("settings.reloaded")
                after = await router.ask(wide)
                gate.opened.set()
                kept = await waiting
                config.write_text("limits: {max_aliasses: 1}\n")
                router.process.send_signal(signal.SIGHUP)
                await router.until_said("settings.kept_old")
                still = await router.ask(wide)
                config.write_text("limits: {max_aliases: 1}\n")
                file.write_text(file.read_text().replace("fails:", "faults:").replace(url, beside))
                router.process.send_signal(signal.SIGHUP)
                await router.until_said("supergraph.reloaded")
                renamed = await router.ask("{ fails }")
                working = asyncio.create_task(router.client.post("/graphql", json={"query": SLEEPS}))
                await end.waiting.wait()
                router.process.send_signal(signal.SIGTERM)
                await router.until(partial(takes_nobody_more, router))
                end.opened.set()
                finished = await working
                status = await router.process.wait()

    assert before == {"data": {"a": "Query", "b": "Query"}}
    assert kept == {"data": {"sleeps": "awake"}}
    assert [one["errors"][0]["extensions"]["code"] for one in (after, still)] == ["MAX_ALIASES_LIMIT"] * 2
    assert "did you mean limits.max_aliases?" in (tmp_path / "log").read_text()
    assert renamed["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert (finished.json(), status) == ({"data": {"sleeps": "awake"}}, 0)


async def test_changed_files_are_noticed_and_load_balancers_are_told_of_the_end_first(
    platform: Any, served: Any, tmp_path: Path
) -> None:
    config = tmp_path / "router.yaml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        beside = free.getsockname()[1]
    config.write_text(
        f"shutdown: {{delay_seconds: 3600}}\nhealth_check: {{listen: '127.0.0.1:{beside}', path: /healthz}}\n"
        f"telemetry: {{exporters: {{metrics: {{prometheus: {{listen: '127.0.0.1:{beside}'}}}}}}}}\n"
    )
    async with platform() as psa, served(psa.modules["crm"]) as url:
        file = await supergraph(psa, url, tmp_path)
        environment = {"APOLLO_ROUTER_SUPERGRAPH_PATH": str(file), "APOLLO_ROUTER_CONFIG_PATH": str(config)}
        os.environ.update(environment)
        try:
            async with running(tmp_path, "--hot-reload") as router:
                good = file.read_text()
                file.write_text("nonsense {")
                await router.until_said("settings.kept_old")
                kept = await router.ask("{ __typename }")
                file.write_text(good.replace("fails:", "faults:"))
                await router.until_said("supergraph.reloaded")
                renamed = await router.ask("{ faults }")
                router.process.send_signal(signal.SIGTERM)

                async def told() -> bool:
                    return (await router.client.get("/health/ready")).status_code == 503

                await router.until(told)
                ready = await router.client.get("/health/ready")
                alive = await router.client.get("/health/live")
                probed = await router.client.get(f"http://127.0.0.1:{beside}/healthz?ready")
                hidden = await router.client.post(
                    f"http://127.0.0.1:{beside}/graphql", json={"query": "{ __typename }"}
                )
                figures = [
                    (await router.client.get(f"{base}/metrics")).status_code
                    for base in ("", f"http://127.0.0.1:{beside}")
                ]
                late = await router.ask("{ __typename }")
                router.process.send_signal(signal.SIGTERM)
                await router.process.wait()
        finally:
            for name in environment:
                del os.environ[name]

    assert kept == late == {"data": {"__typename": "Query"}}
    assert "GRAPHQL_VALIDATION_FAILED" not in str(renamed)
    assert (ready.status_code, ready.json(), alive.status_code) == (503, {"status": "DOWN"}, 200)
    assert (probed.status_code, hidden.status_code, figures) == (503, 404, [404, 200])


async def test_changed_subgraphs_are_composed_again_and_what_does_not_compose_keeps_what_there_is(
    tmp_path: Path,
) -> None:
    schema = tmp_path / "a.graphql"
    schema.write_text("type Query { first: Int }")
    entry = {"routing_url": "http://127.0.0.1:9/graphql", "schema": {"file": "a.graphql"}}
    subgraphs = tmp_path / "subgraphs.json"
    subgraphs.write_text(json.dumps({"subgraphs": {"a": entry}}))
    fields = "{ __schema { queryType { fields { name } } } }"

    async with running(tmp_path, "--subgraphs", str(subgraphs), "--hot-reload") as router:
        before = await router.ask(fields)
        schema.write_text("type Query { first: Nothing }")
        await router.until_said("settings.kept_old")
        kept = await router.ask(fields)
        schema.write_text("type Query { first: Int second: Int }")
        await router.until_said("supergraph.reloaded")
        after = await router.ask(fields)

    assert before == kept
    assert [one["name"] for one in before["data"]["__schema"]["queryType"]["fields"]] == ["first"]
    assert [one["name"] for one in after["data"]["__schema"]["queryType"]["fields"]] == ["first", "second"]
