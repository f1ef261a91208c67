"""The whole platform as `./dev run` starts it, once in one process and once split up, and what to ask it with."""

from __future__ import annotations

import functools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local import identity, packages
from deploy.local.people import NORDLICHT, Tenant
from tests.deploy.local.processes import family, still_running, wait_until

START_SECONDS = 900  # patience with a busy machine; a quiet one needs less than one


@dataclass
class Platform:
    """A running platform: where it is, and what it has said so far."""

    home: Path
    arguments: tuple[str, ...]
    process: subprocess.Popen[str] = field(init=False)
    said: list[str] = field(init=False)

    def start(self) -> None:
        """Start `./dev run` in its home, without waiting; again, when it was killed."""
        command = [sys.executable, "-m", "deploy.local", "run", "--home", str(self.home), *self.arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PSA_")}
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**environment, "PYTHONWARNINGS": "error"},
        )
        self.said = []
        threading.Thread(target=_read, args=(self.process, self.said), daemon=True).start()

    def is_up(self) -> bool:
        """Wait until it answers."""
        return self.wait_until_it_says("Ctrl-C stops everything", START_SECONDS)

    @property
    def url(self) -> str:
        """Where the router listens."""
        found = re.search(r"GraphQL\s+(http://\S+)/graphql", self.output)
        assert found, f"it never said where it listens:\n{self.output}"
        return found[1]

    @property
    def output(self) -> str:
        """All that it has said."""
        return "".join(self.said)

    def ask(
        self, query: str, *, tenant: Tenant = NORDLICHT, role: str = "owner", **variables: object
    ) -> dict[str, Any]:
        """Ask the graph as somebody of the demo; whoever asked too often comes again when they are told to."""
        token = identity.token(self.home, tenant, tenant.with_role(role))
        while True:
            answer = _client().post(
                f"{self.url}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {token}"},
            )
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                body: dict[str, Any] = answer.json()
                return body
            time.sleep(int(answer.headers["retry-after"]))

    def wait_until_it_says(self, words: str, seconds: float = 60) -> bool:
        """Wait for words in its output, from now or before."""
        return (
            wait_until(lambda: words in self.output or self.process.poll() is not None, seconds)
            and words in self.output
        )


@functools.cache
def _client() -> httpx2.Client:
    """One for all, since each reads every root that this machine trusts; no connection outlives its answer."""
    return httpx2.Client(timeout=60, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))


def start(home: Path, *arguments: str) -> Platform:
    """Start `./dev run` with these arguments, without waiting."""
    platform = Platform(home, arguments)
    platform.start()
    return platform


def stop(platform: Platform) -> int:
    """Stop it as Ctrl-C does, and return its exit code."""
    if platform.process.poll() is None:
        platform.process.send_signal(signal.SIGINT)
    try:
        return platform.process.wait(timeout=90)
    finally:
        platform.process.kill()


def _read(process: subprocess.Popen[str], said: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        said.extend(lines)


@pytest.fixture(scope="session", params=["one process", "split"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with its demo data, in either mode; what a test changes, the next one finds changed."""
    if request.param == "split" and packages.missing(["RabbitMQ", "Redis"]):
        pytest.skip(
            "LEFT OUT: the split platform needs RabbitMQ and Redis on this machine: run ./dev test as root on Debian"
        )
    home = tmp_path_factory.mktemp("platform") / "home"
    running = start(home, "--port", "0", *(["--split"] if request.param == "split" else []))
    try:
        assert running.is_up(), running.output
        yield running
        everybody = family(running.process.pid)
        assert stop(running) == 0, running.output
        assert still_running(everybody, seconds=60) == []
        assert wait_until(lambda: running.output.rstrip().endswith("✓ stopped; the data stays")), running.output
    finally:
        stop(running)
