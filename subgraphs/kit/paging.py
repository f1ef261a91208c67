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
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID
from zlib import crc32

import strawberry
from sqlalchemy import ColumnElement, Select, and_, asc, desc, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.federation import type as federation_type

from subgraphs.kit import sorting
from subgraphs.kit.audit import plain
from subgraphs.kit.errors import Invalid
from subgraphs.kit.filters import among
from subgraphs.kit.tables import Entity
from subgraphs.kit.work import Work

DEFAULT_LIMIT = 50
LONGEST_PAGE = 200

Limit = Annotated[int, strawberry.argument(description="How many at most: 1 to 200.")]
Offset = Annotated[int, strawberry.argument(description="How many to leave out first.")]

_Places = Sequence[tuple[Any, bool]]
"""The columns that a list is sorted by, and whether each falls."""

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
    cursors = _Cursors.of(model, places)
    narrowed = query.where(*cursors.between(wanted)).order_by(*_sorts(places, wanted))
    rows = list(await work.session.scalars(narrowed.limit(wanted.size + 1)))
    total = await work.session.scalar(select(func.count()).select_from(query.subquery())) if count else None
    return _connection(rows, cursors, shape, wanted, total=total)


async def pages(
    work: Work,
    model: type[E],
    column: InstrumentedAttribute[UUID],
    parents: Sequence[UUID],
    order: Order,
    wanted: Cut,
    shape: Callable[[E], Node],
    *,
    where: Sequence[ColumnElement[bool]] = (),
    count: bool = False,
) -> dict[UUID, Sequence[Connection[Node]]]:
    """For each of `parents` one such page of the rows whose `column` points at it: one statement for all, and one to count."""
    places = [(one, order.descending) for one in (*order.columns, model.id)]
    cursors = _Cursors.of(model, places)
    lists = await work.per_parent(
        model,
        column,
        parents,
        where=(*where, *cursors.between(wanted)),
        order=_sorts(places, wanted),
        limit=wanted.size + 1,
    )
    totals = await _counted(work, column, parents, where) if count else None
    return {
        parent: [_connection(rows, cursors, shape, wanted, total=None if totals is None else totals.get(parent, 0))]
        for parent, rows in lists.items()
    }


async def _counted(
    work: Work, column: InstrumentedAttribute[UUID], parents: Sequence[UUID], where: Sequence[ColumnElement[bool]]
) -> dict[UUID, int]:
    rows = select(column, func.count()).where(among(column, parents), *where).group_by(column)
    return dict((await work.session.execute(rows)).all())


def _sorts(places: _Places, wanted: Cut) -> list[Any]:
    return [desc(column) if falls is not wanted.backwards else asc(column) for column, falls in places]


@dataclass(frozen=True, slots=True)
class _Cursors:
    """What names a place in one list in one order, and is refused in any other."""

    places: _Places
    mark: str
    """The list and its order, in eight digits."""

    @classmethod
    def of(cls, model: type[Entity], places: _Places) -> Self:
        """Those of the rows of a model in this order."""
        order = ",".join(f"{'-' if falls else ''}{column.key}" for column, falls in places)
        return cls(places, f"{crc32(f'{model.__name__}:{order}'.encode()):08x}")

    @property
    def _key(self) -> list[Any]:
        return [column for column, _ in self.places]

    def to(self, row: Entity) -> str:
        """The one of a row."""
        return _encode(row, self._key, self.mark)

    def between(self, wanted: Cut) -> list[ColumnElement[bool]]:
        """What lies after the one and before the other that a client gave."""
        return [
            _beyond(self.places, _decode(cursor, self._key, self.mark, field=name), later=later)
            for name, cursor, later in (("after", wanted.after, True), ("before", wanted.before, False))
            if cursor is not None
        ]


def _beyond(places: _Places, values: Sequence[Any], *, later: bool) -> ColumnElement[bool]:
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
    rows: Sequence[E], cursors: _Cursors, shape: Callable[[E], Node], wanted: Cut, *, total: int | None
) -> Connection[Node]:
    """The page of which `rows` are one more than it takes, if there is one more, in the order in which they were read."""
    more, rows = len(rows) > wanted.size, rows[: wanted.size]
    if wanted.backwards:
        rows = rows[::-1]
    edges = [Edge(cursor=cursors.to(row), node=shape(row)) for row in rows]
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
