"""Lists that end: plain ones with a limit, and connections with cursors (the Relay specification).

A cursor is the sort key of a row, made opaque: `(created_at, id)` of the last row of a page says where the next one
begins, also when rows were inserted meanwhile (keyset pagination). Page 1,000 costs what page 1 costs. A mark before
the key says of which list, and in which order: in another order the same values are a place that nobody meant.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID
from zlib import crc32

import strawberry
from sqlalchemy import ColumnElement, Select, and_, asc, desc, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.federation import type as federation_type

from subgraphs.kit import sorting
from subgraphs.kit.audit import plain
from subgraphs.kit.errors import Invalid
from subgraphs.kit.tables import Entity
from subgraphs.kit.work import Work

DEFAULT_LIMIT = 50
LONGEST_PAGE = 200

Limit = Annotated[int, strawberry.argument(description="How many at most: 1 to 200.")]
Offset = Annotated[int, strawberry.argument(description="How many to leave out first.")]

E = TypeVar("E", bound=Entity)
Node = TypeVar("Node")


@federation_type(shareable=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    """Whether there is more after this page."""
    has_previous_page: bool
    """Whether there is more before this page."""
    start_cursor: str | None = None
    """The cursor of the first node; ask `before` it for the previous page."""
    end_cursor: str | None = None
    """The cursor of the last node; ask `after` it for the next page."""


@strawberry.type
class Edge(Generic[Node]):
    """A node and its place in the list."""

    cursor: str
    """The place of this node in the list."""
    node: Node
    """The node."""


@strawberry.type
class Connection(Generic[Node]):
    """One page of a list."""

    edges: list[Edge[Node]]
    """The nodes of this page with their cursors."""
    nodes: list[Node]
    """The nodes of this page without ceremony."""
    page_info: PageInfo
    """Where this page lies in the list."""
    total_count: int | None = None
    """How many nodes there are on all pages; counted only when it is asked for."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a list is wanted: the first or last so many, after or before a cursor."""

    size: int
    after: str | None = None
    before: str | None = None
    backwards: bool = False


def cut(*, first: int | None, after: str | None, last: int | None, before: str | None) -> Cut:
    """Check the four arguments of a connection; raises `Invalid` naming the one that is wrong."""
    if first is not None and last is not None:
        raise Invalid("Ask for the first so many or for the last so many, not for both.", field="last")
    name, size = ("last", last) if last is not None else ("first", DEFAULT_LIMIT if first is None else first)
    return Cut(size=bounded(size, field=name), after=after, before=before, backwards=last is not None)


def counts(info: Any) -> bool:
    """Whether this query asks for `totalCount`: nobody should pay for a number that nobody reads."""
    selections = [selection for field in info.selected_fields for selection in field.selections]
    return any(getattr(selection, "name", None) == "totalCount" for selection in selections)


def bounded(limit: int, *, field: str = "limit") -> int:
    """A page size that we serve; raises `Invalid` for less than 1 or more than 200."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise Invalid(f"{field} must be between 1 and {LONGEST_PAGE}, not {limit}.", field=field)
    return limit


def skipped(offset: int) -> int:
    """How many rows to leave out first; raises `Invalid` when negative."""
    if offset < 0:
        raise Invalid(f"offset must not be negative, not {offset}.", field="offset")
    return offset


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: by these columns, and by id where they are equal, so that no two rows tie."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False


async def page(
    work: Work,
    query: Select[E],
    model: type[E],
    order: Order,
    wanted: Cut,
    shape: Callable[[E], Node],
    *,
    count: bool = False,
) -> Connection[Node]:
    """One page of `query`, whose columns in `order` are never null; each row becomes a node by `shape`."""
    places = sorting.wanted(model, shape) or [(column, order.descending) for column in order.columns]
    places.append((model.id, places[-1][1]))
    key, mark = [column for column, _ in places], _mark(model, places)
    narrowed = _between(query, places, wanted, mark)
    sorts = (desc(column) if falls is not wanted.backwards else asc(column) for column, falls in places)
    rows = list(await work.session.scalars(narrowed.order_by(*sorts).limit(wanted.size + 1)))
    more, rows = len(rows) > wanted.size, rows[: wanted.size]
    if wanted.backwards:
        rows.reverse()
    total = await work.session.scalar(select(func.count()).select_from(query.subquery())) if count else None
    cursors = [_encode(row, key, mark) for row in rows]
    return _connection(rows, cursors, shape, wanted, more=more, total=total)


def _mark(model: type[Entity], places: Sequence[tuple[Any, bool]]) -> str:
    """The list and its order, in eight digits."""
    order = ",".join(f"{'-' if falls else ''}{column.key}" for column, falls in places)
    return f"{crc32(f'{model.__name__}:{order}'.encode()):08x}"


def _between(query: Select[E], places: Sequence[tuple[Any, bool]], wanted: Cut, mark: str) -> Select[E]:
    for name, cursor, later in (("after", wanted.after, True), ("before", wanted.before, False)):
        if cursor is not None:
            values = _decode(cursor, [column for column, _ in places], mark, field=name)
            query = query.where(_beyond(places, values, later=later))
    return query


def _beyond(places: Sequence[tuple[Any, bool]], values: Sequence[Any], *, later: bool) -> ColumnElement[bool]:
    """What lies after (or before) a place: by one comparison of rows where all columns go the same way."""
    columns = [column for column, _ in places]
    ways = {falls is not later for _, falls in places}
    if len(ways) == 1:
        row, place = tuple_(*columns), tuple_(*values)
        return row > place if ways.pop() else row < place
    # Equal in the first so many columns, and beyond in the next one.
    steps = []
    for at, (column, falls) in enumerate(places):
        further = column > values[at] if falls is not later else column < values[at]
        equal = [one == value for one, value in zip(columns[:at], values[:at], strict=True)]
        steps.append(and_(*equal, further))
    return or_(*steps)


def _connection(
    rows: Sequence[E], cursors: Sequence[str], shape: Callable[[E], Node], wanted: Cut, *, more: bool, total: int | None
) -> Connection[Node]:
    edges = [Edge(cursor=cursor, node=shape(row)) for cursor, row in zip(cursors, rows, strict=True)]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=wanted.before is not None if wanted.backwards else more,
            has_previous_page=more if wanted.backwards else wanted.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        total_count=total,
    )


def _encode(row: Entity, key: Sequence[Any], mark: str) -> str:
    values = [mark, *(plain(getattr(row, column.key)) for column in key)]
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str, key: Sequence[Any], mark: str, *, field: str) -> list[Any]:
    try:
        values = _marked(mark, json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
        return [_as_column(column, value) for column, value in zip(key, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(
            "This is not a cursor of this list in this order; take one from pageInfo or from an edge.", field=field
        ) from error


def _marked(mark: str, given: Any) -> list[Any]:
    if not isinstance(given, list) or given[:1] != [mark]:
        raise ValueError("of another list, or of another order")
    return given[1:]


def _as_column(column: Any, value: Any) -> Any:
    kind = column.type.python_type
    if kind is UUID:
        return UUID(value)
    if issubclass(kind, date):  # moments, too
        return kind.fromisoformat(value)
    if issubclass(kind, Enum):
        return kind(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
