"""Values of which there may be only one: the index decides, and its answer becomes a refusal."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from subgraphs.kit.errors import Conflict
from subgraphs.kit.tables import Entity
from subgraphs.kit.work import Work

E = TypeVar("E", bound=Entity)


async def added(work: Work, row: E, *, message: str, field: str) -> E:
    """Write a new row now; raises `Conflict` when another one has its place."""
    try:
        async with work.session.begin_nested():
            work.add(row)
            await work.session.flush()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != "23505":
            raise
        raise Conflict(message, field=field) from error
    return row


async def settled(work: Work, *, message: str, field: str) -> None:
    """Write what was changed now; raises `Conflict` when another row has the new place."""
    try:
        await work.session.flush()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != "23505":
            raise
        raise Conflict(message, field=field) from error
