"""A router as a process of its own, as `python -m router serve` starts it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2


@dataclass
class Router:
    """A router that runs as a process of its own."""

    process: asyncio.subprocess.Process
    client: httpx2.AsyncClient
    log: Path

    async def ask(self, query: str) -> Any:
        return (await self.client.post("/graphql", json={"query": query})).json()

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        while not await holds():  # a test's own time is its limit
            await asyncio.sleep(0.05)

    async def until_said(self, event: str) -> None:
        async def said() -> bool:
            return event in self.log.read_text()

        await self.until(said)


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncIterator[Router]:
    """Start `python -m router serve` on a free port, and wait until it's ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log"
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "router", "serve", "--listen", f"127.0.0.1:{port}", *arguments, stderr=written
        )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            router = Router(process, client, log)

            async def ready() -> bool:
                assert process.returncode is None, log.read_text()
                try:
                    return (await client.get("/health?ready")).status_code == 200
                except httpx2.TransportError:
                    return False

            await router.until(ready)
            yield router
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def supergraph(psa: Any, url: str, folder: Path) -> Path:
    """Write a supergraph whose module crm is at a URL."""
    await psa.app.state.registry.register(psa.modules["crm"].registration(url))
    file = folder / "supergraph.graphql"
    file.write_text(psa.app.state.graphs.sdl)
    return file
