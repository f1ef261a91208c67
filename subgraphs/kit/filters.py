"""Filters: an input object whose fields are named after columns becomes the conditions of a query.

@strawberry.input
class TicketFilter:
    priority: list[TicketPriority] | None = None       one of these
    customer_id: strawberry.ID | None = None           exactly this
    created_at: TimeRange | None = None                from (included) until (excluded)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, bindparam, false, or_

from subgraphs.kit.ids import parsed
from subgraphs.kit.shapes import in_time
from subgraphs.kit.tables import Entity
from subgraphs.kit.values import raw


@strawberry.input
class TimeRange:
    """A span of time: from its beginning, until just before its end."""

    since: datetime | None = None
    """The beginning, included; open when absent."""
    until: datetime | None = None
    """The end, excluded; open when absent."""

    def ends(self) -> tuple[datetime | None, datetime | None]:
        """Both ends in UTC; raises `Invalid` for a moment outside of the years that there are."""
        return in_time(self.since, "since"), in_time(self.until, "until")


@strawberry.input
class DateRange:
    """A span of days: from its first day, until the day before its end."""

    since: date | None = None
    """The first day, included; open when absent."""
    until: date | None = None
    """The end, excluded; open when absent."""

    def ends(self) -> tuple[date | None, date | None]:
        """Both ends."""
        return self.since, self.until


def among(column: Any, identities: Iterable[UUID]) -> ColumnElement[bool]:
    """Rows whose column is one of these, however many they are: as one array, where `IN` takes at most 32,767."""
    known = bindparam("among", list(identities), type_=ARRAY(Uuid), unique=True)
    return column == any_(known)  # type: ignore[no-any-return]


def conditions(model: type[Entity], wanted: Any) -> list[ColumnElement[bool]]:
    """What the filter object `wanted` (or None) asks of the rows of `model`; fields that are absent ask nothing."""
    if wanted is None:
        return []
    return [
        condition
        for field in dataclasses.fields(wanted)
        if (value := getattr(wanted, field.name)) is not None and hasattr(model, field.name)
        for condition in _asks(getattr(model, field.name), value)
    ]


def _asks(column: Any, value: Any) -> Iterator[ColumnElement[bool]]:
    match value:
        case TimeRange() | DateRange():
            since, until = value.ends()
            if since is not None:
                yield column >= since
            if until is not None:
                yield column < until
        case list():
            yield column.in_([raw(one) for one in value])
        case str() if column.type.python_type is UUID:
            identity = parsed(value)
            yield false() if identity is None else column == identity
        case _:
            yield column == raw(value)


def containing(words: str | None, *columns: Any) -> list[ColumnElement[bool]]:
    """Rows in which every word of `words` occurs in one of `columns`, whatever the case."""
    return [
        or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in (words or "").split()[:10]
    ]
