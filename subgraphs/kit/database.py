"""PostgreSQL for one module: its schema, its three roles, its pool of connections.

tickets          serves: reads and writes rows of one tenant at a time, no DDL, appends to the outbox
tickets_owner    migrates: owns the schema and its tables, used by nobody else
tickets_relay    drains: takes events from the outbox and jobs from the queue, of all tenants, and nothing else
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from pydantic import SecretStr
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_only

_SILENT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class RolePasswords:
    """The passwords of a module's three roles."""

    runtime: SecretStr
    owner: SecretStr
    relay: SecretStr


def engine(url: str, *, application: str, pool_size: int = 10) -> AsyncEngine:
    """A pool of connections; one that has died is replaced before it is handed out."""
    pool = create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,  # an error is logged with its SQL, never with the values
        connect_args={
            "connection_class": _Connection,
            "server_settings": {"application_name": application},
            "timeout": 10,
            "command_timeout": 30,
        },
    )
    event.listen(pool.sync_engine, "checkin", _rested)
    event.listen(pool.sync_engine, "checkout", _awake)
    return pool


def _rested(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["rested"] = time.monotonic()


def _awake(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have a connection replaced that has died.

    Whoever closes a connection says so, and mostly that has been heard by the time it is wanted again (`work` tries another one where it
    was not). Only one that rested for long may have died in silence, behind a firewall, and is asked: asking takes four round trips
    (`pool_pre_ping` opens a transaction for it), as many as the usual request.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("It was closed.")
    if time.monotonic() - record.info.get("rested", math.inf) > _SILENT_SECONDS:
        try:
            connection.ping()
        except AsyncAdapt_asyncpg_dbapi.Error as error:
            raise DisconnectionError("It does not answer any more.") from error


class _Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """One that can say more in the message that begins a transaction."""

    preamble = ""
    """What the next transaction begins with: SQL that PostgreSQL runs right after its BEGIN."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg's signature
        """Run statements without a result; where a transaction is begun, what it shall begin with, too."""
        if self.preamble and query == "BEGIN;":
            query, self.preamble = query + self.preamble, ""
        done: str = await super().execute(query, *args, timeout=timeout)
        return done


def begin(connection: Connection, settings: Mapping[str, str]) -> None:
    """Begin its transaction, in which these settings hold and after which they don't: one message and one answer.

    SQLAlchemy would begin it in a message of its own, before the first statement, and that would be the settings: two round trips
    before anything is asked, and each is a tenth of what a usual request costs. It is SQLAlchemy that begins here, too, only sooner:
    it knows of the transaction, ends it, and treats an error as one of a statement. A connection that could not begin is not used again.
    """
    adapter: Any = connection.connection.dbapi_connection
    adapter.driver_connection.preamble = _settings(settings)
    try:
        await_only(adapter._start_transaction())  # noqa: SLF001 - what SQLAlchemy itself calls before a statement
    except BaseException as error:  # noqa: BLE001 - it is raised again, as SQLAlchemy's
        adapter.driver_connection.preamble = ""
        try:
            connection._handle_dbapi_exception(error, None, None, None, None)  # noqa: SLF001 - as it would do
        finally:
            connection.invalidate(error)


def _settings(settings: Mapping[str, str]) -> str:
    """One SELECT, and not a SET LOCAL for each: PostgreSQL's accounts take it for the same statement whoever asks."""
    return f"SELECT {', '.join(f'set_config({_quoted(k)}, {_quoted(v)}, true)' for k, v in settings.items())}"


def _quoted(value: str) -> str:
    """A literal that means `value`, whatever stands in it and however the server reads backslashes."""
    if "\0" in value:
        raise ValueError("PostgreSQL has no text with the character U+0000.")
    doubled = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{doubled}'"


def sqlalchemy_url(url: str) -> URL:
    """`postgresql://…` as SQLAlchemy wants it, for asyncpg."""
    return make_url(url).set(drivername="postgresql+asyncpg")


async def provision(admin_url: str, module: str, passwords: RolePasswords) -> None:
    """Create the module's roles and schema, or bring them back to how they must be; needs a superuser."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            # Several modules may be provisioned at once; roles are shared by the whole cluster.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('psa.provision'))")
            for role, password in _roles(module, passwords):
                await _role(connection, role, password, search_path=module)
            await _schema(connection, module)
    finally:
        await connection.close()


def _roles(module: str, passwords: RolePasswords) -> list[tuple[str, SecretStr]]:
    return [
        (module, passwords.runtime),
        (f"{module}_owner", passwords.owner),
        (f"{module}_relay", passwords.relay),
    ]


async def _role(connection: asyncpg.Connection, role: str, password: SecretStr, *, search_path: str) -> None:
    exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
    if not exists:
        await connection.execute(f'CREATE ROLE "{role}"')
    secret = await connection.fetchval("SELECT quote_literal($1::text)", password.get_secret_value())
    await connection.execute(
        f'ALTER ROLE "{role}" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {secret}'
    )
    await connection.execute(f'ALTER ROLE "{role}" SET search_path = "{search_path}"')


async def _schema(connection: asyncpg.Connection, module: str) -> None:
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{module}" AUTHORIZATION "{module}_owner"')
    await connection.execute(f'GRANT USAGE ON SCHEMA "{module}" TO "{module}", "{module}_relay"')
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for role in (module, f"{module}_owner", f"{module}_relay"):
        await connection.execute(f'GRANT CONNECT ON DATABASE {database} TO "{role}"')
