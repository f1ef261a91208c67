"""Many rows at once, as a module's own role and behind its walls.

PostgreSQL refuses COPY into a table that has row-level security, and whoever goes around the walls proves nothing about them. So each
batch is one INSERT whose columns travel as arrays:

    INSERT INTO ticket (tenant_id, id, …, version) SELECT $1, given.id, …, $9 FROM unnest($2::uuid[], …) AS given (id, …)

What is the same in all rows of a table travels once. All that is written to a module is one transaction: there or not there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from subgraphs.kit import tenancy
from subgraphs.kit.caller import system
from subgraphs.kit.config import Settings

_BATCH = 5_000

_TYPES = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, which of its columns each row says for itself, and what is the same in all of them."""

    name: str
    columns: tuple[str, ...]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def row(self, **values: Any) -> Row:
        """A row, its columns by their names."""
        return tuple(values[name] for name in self.columns)


@dataclass(frozen=True, slots=True)
class _Statement:
    """How a table is written to."""

    table: Table
    sql: str
    fixed: list[Any]


@dataclass(slots=True)
class Bulk:
    """One module that is written to, in one transaction."""

    connection: asyncpg.Connection
    tenant: UUID
    author: UUID
    _statements: dict[int, _Statement] = field(default_factory=dict)
    """By the identity of the table's description, of which there may be several for one table."""

    async def write(self, table: Table, rows: Sequence[Row]) -> None:
        """Write rows, a batch at a time."""
        if id(table) not in self._statements:
            self._statements[id(table)] = await self._prepared(table)
        statement = self._statements[id(table)]
        for begin in range(0, len(rows), _BATCH):
            columns = list(zip(*rows[begin : begin + _BATCH], strict=True))
            await self.connection.execute(statement.sql, self.tenant, *columns, *statement.fixed, timeout=600)

    async def _prepared(self, table: Table) -> _Statement:
        types: dict[str, str] = dict(await self.connection.fetch(_TYPES, f'"{table.name}"'))
        fixed = {name: _plain(value) for name, value in (self._entity(table, types) | dict(table.fixed)).items()}
        names = [*table.columns, *fixed]
        given = [f"${place}::{_array(types[name])}" for place, name in enumerate(table.columns, 2)]
        said = [f"given.{name}{_cast(types[name])}" for name in table.columns]
        said += [f"${place}::text::{types[name]}" for place, name in enumerate(fixed, 2 + len(table.columns))]
        if "updated_at" in types and "updated_at" not in names:
            names.append("updated_at")
            said.append("given.created_at")
        sql = (
            f'INSERT INTO "{table.name}" (tenant_id, {", ".join(names)}) SELECT $1, {", ".join(said)}'
            f" FROM unnest({', '.join(given)}) AS given ({', '.join(table.columns)})"
        )
        return _Statement(table, sql, list(fixed.values()))

    def _entity(self, table: Table, types: Mapping[str, str]) -> dict[str, Any]:
        """What every row says about its writer, where the table asks for it."""
        written = {"version": 1, "created_by": self.author, "updated_by": self.author}
        return {name: value for name, value in written.items() if name in types and name not in table.columns}


def _array(kind: str) -> str:
    return "text[]" if kind == "jsonb" else f"{kind}[]"


def _cast(kind: str) -> str:
    return "::jsonb" if kind == "jsonb" else ""


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


_QUEUED = """
INSERT INTO job_log (job_id, status, entrypoint, priority) SELECT id, 'queued', entrypoint, priority FROM job WHERE id > $1
"""
"""As whoever enqueues says it of each job; the worker, who belongs to no tenant, finds there whose job it takes."""


@asynccontextmanager
async def opened(known: Settings, tenant: UUID, author: UUID) -> AsyncIterator[Bulk]:
    """Begin to write to a module; what was written is committed at the end of the block, or never was."""
    connection = await asyncpg.connect(known.needed("database_url"), server_settings={"application_name": "psa-seed"})
    try:
        async with connection.transaction():
            for name, value in tenancy.settings(system(tenant)).items():
                await connection.execute("SELECT set_config($1, $2, true)", name, value)
            last = await connection.fetchval("SELECT coalesce(max(id), 0) FROM job")
            yield Bulk(connection, tenant, author)
            await connection.execute(_QUEUED, last)
    finally:
        await connection.close()
