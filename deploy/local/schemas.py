"""The schemas and roles of the platform on one PostgreSQL: made, brought up to date, and handed out as addresses.

The roles are those of production, with passwords that are made anew at every start: whoever may use one gets its
address from here, and nobody else needs to know.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from deploy.local.home import Trouble
from subgraphs.kit import migrate
from subgraphs.kit.broker import LocalBroker
from subgraphs.kit.database import RolePasswords, provision

DATABASE = "psa"
_BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Schema:
    """The addresses under which the three roles of a module reach its schema."""

    runtime_url: str
    owner_url: str
    relay_url: str


async def create_database(admin_url: str) -> str:
    """Make the platform's database, if it is not there yet; return the superuser's address of it."""
    connection = await asyncpg.connect(admin_url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{DATABASE}"))


async def bring_up(admin_url: str, module: str) -> Schema:
    """Make a module's roles and schema, and bring its tables up to date."""
    schema = await _provision(admin_url, module)
    with _explained(module):
        await migrate.upgrade(module, schema.owner_url)
    return schema


async def bring_up_broker(admin_url: str) -> str:
    """Make what the broker on top of PostgreSQL needs; return its address."""
    address = (await _provision(admin_url, _BROKER)).owner_url
    with _explained(_BROKER):
        await LocalBroker(address).install()
    return address


@contextmanager
def _explained(schema: str) -> Iterator[None]:
    """Say in words that tables are not as we know them, which is what another version may have left."""
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError, CommandError) as error:
        raise Trouble(
            f"The schema {schema} cannot be brought up to date: {error}",
            "If another version made this home, begin anew in another one: --home DIR",
        ) from error


async def _provision(admin_url: str, name: str) -> Schema:
    runtime, owner, relay = (secrets.token_urlsafe(24) for _ in range(3))
    await provision(admin_url, name, RolePasswords(SecretStr(runtime), SecretStr(owner), SecretStr(relay)))
    return Schema(
        runtime_url=_address(admin_url, name, runtime),
        owner_url=_address(admin_url, f"{name}_owner", owner),
        relay_url=_address(admin_url, f"{name}_relay", relay),
    )


def _address(admin_url: str, role: str, password: str) -> str:
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password)}@{host}"))
