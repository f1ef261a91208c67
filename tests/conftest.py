"""What every test may ask for: a real PostgreSQL with a fresh database, a real RabbitMQ, a real Redis.

`./dev test` starts them and names them in the environment, one of each for every worker. Without it, PostgreSQL is the
embedded one, and tests that need a service nobody named are skipped, with a line at the beginning and at the end that
says so.
"""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from deploy.local.postgres import embedded_postgres

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# Folders whose tests ask one platform, which is built when it is first asked for.
_ONE_PLATFORM = ("tests/walls", "tests/e2e")
# What would be waited for if it came last.
_SLOW = (
    "tests/walls",
    "tests/e2e",
    "tests/faults/test_nothing_is_lost.py",
    "tests/rest/test_same.py",
    "tests/router/composition/test_against_oracle.py",
    "tests/subgraphs/billing/test_rubbish.py",
    "tests/subgraphs/assets/test_rubbish.py",
)
_SERVICES = {"RabbitMQ": "PSA_TEST_AMQP_URL", "Redis": "PSA_TEST_REDIS_URL"}


@pytest.fixture(scope="session")
async def postgres_admin_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A superuser's address of a PostgreSQL that tests may fill as they like."""
    named = os.environ.get("PSA_TEST_DATABASE_URL")
    if named:
        yield named
        return
    async with embedded_postgres(tmp_path_factory.mktemp("postgres"), durable=False, say=lambda _: None) as server:
        yield server.admin_url


@pytest.fixture(scope="module")
async def database(postgres_admin_url: str) -> AsyncIterator[str]:
    """A superuser's address of an empty database, fresh for each test module and dropped after it."""
    name = f"test_{secrets.token_hex(6)}"
    await _as_admin(postgres_admin_url, f"create database {name}")
    yield urlunsplit(urlsplit(postgres_admin_url)._replace(path=f"/{name}"))
    await _as_admin(postgres_admin_url, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """The address of a RabbitMQ that tests may declare in."""
    return _named("RabbitMQ")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The address of a Redis that tests may write to."""
    return _named("Redis")


class ByPlatform(LoadScopeScheduling):
    """Hands each worker whole files, and whole folders whose tests share a platform: what was built is built once."""

    def _split_scope(self, nodeid: str) -> str:
        return _shared_by(nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlatform:
    """Let the workers share the tests in this way."""
    return ByPlatform(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    places = [_shared_by(item.path.relative_to(item.config.rootpath).as_posix()) for item in items]
    ranks = {place: _SLOW.index(place) if place in _SLOW else len(_SLOW) for place in places}
    items[:] = [item for _, item in sorted(zip(places, items, strict=True), key=lambda pair: ranks[pair[0]])]


def pytest_collection_finish() -> None:
    """Ten thousand tests stay to the end: the collector need not look at them again and again, nor after each few objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _shared_by(path: str) -> str:
    """A whole folder where its tests share a platform, otherwise the file."""
    return next((folder for folder in _ONE_PLATFORM if path.startswith(f"{folder}/")), path)


def pytest_report_header() -> list[str]:
    """Say before the first test what will be left out."""
    return [_left_out(service) for service in _SERVICES if not _is_named(service)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it once more where nobody can miss it."""
    for service in _SERVICES:
        if not _is_named(service):
            terminalreporter.write_line(_left_out(service), yellow=True, bold=True)


def _named(service: str) -> str:
    if not _is_named(service):
        pytest.skip(_left_out(service))
    # Workers are called gw0, gw1, …; without any, the first address is ours.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return os.environ[_SERVICES[service]].split()[worker]


def _is_named(service: str) -> bool:
    return bool(os.environ.get(_SERVICES[service]))


def _left_out(service: str) -> str:
    return f"LEFT OUT: everything that needs {service}; name one with {_SERVICES[service]}, or run ./dev test as root on Debian"


async def _as_admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
