"""Calendars: when a desk is at work, and how that was at any time before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit.errors import Conflict, Invalid
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.tickets.models.sla import BusinessCalendar, CalendarRevision
from subgraphs.tickets.rules import calendars as rules
from subgraphs.tickets.rules import holiday_regions
from subgraphs.tickets.rules.calendars import Calendar, Window

_LONGEST_LIST = 500


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[BusinessCalendar]:
    """The calendars of the tenant, by name."""
    query = select(BusinessCalendar).where(BusinessCalendar.archived_at.is_(None))
    ordered = query.order_by(BusinessCalendar.name, BusinessCalendar.id).limit(limit).offset(offset)
    return (await work.session.scalars(ordered)).all()


async def create(work: Work, **given: Any) -> BusinessCalendar:
    """Make a calendar; it must have working hours, or go around the clock."""
    row = drafted(work, **given)
    await _flush(work)
    return row


def drafted(
    work: Work,
    *,
    name: str,
    time_zone: str,
    weekly: Sequence[Mapping[str, Any]] = (),
    holidays: Sequence[Mapping[str, Any]] = (),
    holiday_region: str | None = None,
    is24x7: bool = False,
) -> BusinessCalendar:
    """A new calendar that is written with the transaction."""
    row = BusinessCalendar(
        id=uuid7(),
        name=line(name, field="name"),
        time_zone=time_zone,
        weekly=[dict(one) for one in weekly],
        holidays=_holidays(holidays),
        holiday_region=holiday_regions.checked(holiday_region) if holiday_region else None,
        is24x7=is24x7,
    )
    rules.checked(calendar(row))
    _revise(work, row)
    return work.add(row)


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> BusinessCalendar:
    """Change a calendar from now on; clocks that run in it are computed anew."""
    row = await work.take(BusinessCalendar, id, field="id", version=version)
    if "name" in changes:
        row.name = line(changes["name"], field="name")
    if changes.get("time_zone"):
        row.time_zone = changes["time_zone"]
    if changes.get("weekly") is not None:
        row.weekly = [dict(one) for one in changes["weekly"]]
    if changes.get("holidays") is not None:
        row.holidays = _holidays(changes["holidays"])
    if "holiday_region" in changes:
        region = changes["holiday_region"]
        row.holiday_region = holiday_regions.checked(region) if region else None
    if changes.get("is24x7") is not None:
        row.is24x7 = changes["is24x7"]
    rules.checked(calendar(row))
    _revise(work, row)
    await _flush(work)
    return row


async def import_holidays(
    work: Work, id: UUID | None, region: str, years: Sequence[int], version: int | None = None
) -> BusinessCalendar:
    """Write the public holidays of a region into a calendar, beside those that it has."""
    checked = holiday_regions.checked(region, field="region")
    if not 1 <= len(years) <= 20:
        raise Invalid("Give 1 to 20 years.", field="years")
    row = await work.take(BusinessCalendar, id, field="calendarId", version=version)
    known = {one["date"]: one["name"] for one in row.holidays}
    for year in years:
        known |= {day.isoformat(): name for day, name in holiday_regions.of_year(checked, year).items()}
    row.holidays = _holidays([{"date": day, "name": name} for day, name in known.items()])
    _revise(work, row)
    return row


def calendar(row: BusinessCalendar) -> Calendar:
    """The calendar in this row, as the rules know it."""
    return _read(_definition(row))


async def revisions(work: Work, ids: Iterable[UUID]) -> dict[UUID, Calendar]:
    """How calendars were at these revisions, in one statement."""
    wanted = list(set(ids))
    if not wanted:
        return {}
    rows = await work.session.scalars(select(CalendarRevision).where(CalendarRevision.id.in_(wanted)))
    return {row.id: _read(row.definition) for row in rows}


def holidays_of(row: BusinessCalendar, year: int) -> dict[date, str]:
    """All days off of a year, with their names."""
    own = {date.fromisoformat(one["date"]): one["name"] for one in row.holidays}
    region = holiday_regions.of_year(row.holiday_region, year) if row.holiday_region else {}
    return dict(sorted({**region, **{day: name for day, name in own.items() if day.year == year}}.items()))


def _revise(work: Work, row: BusinessCalendar) -> None:
    """Keep how the calendar is from now on."""
    row.revision_id = uuid7()
    work.session.add(
        CalendarRevision(id=row.revision_id, calendar_id=row.id, since=work.at, definition=_definition(row))
    )


async def _flush(work: Work) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict("There is a calendar with this name.", field="name") from error


def _definition(row: BusinessCalendar) -> dict[str, Any]:
    return {
        "timeZone": row.time_zone,
        "weekly": row.weekly,
        "holidays": sorted({one["date"] for one in row.holidays}),
        "region": row.holiday_region,
        "always": row.is24x7,
    }


def _read(definition: Mapping[str, Any]) -> Calendar:
    return Calendar(
        time_zone=definition["timeZone"],
        windows=tuple(
            Window(one["weekday"], rules.clock_time(one["from"]), rules.clock_time(one["to"]))
            for one in definition["weekly"]
        ),
        holidays=frozenset(date.fromisoformat(day) for day in definition["holidays"]),
        region=definition["region"],
        always=definition["always"],
    )


def weekly(windows: Iterable[Window]) -> list[dict[str, Any]]:
    """Windows as they are stored."""
    return [{"weekday": one.weekday, "from": f"{one.begins:%H:%M}", "to": f"{one.ends:%H:%M}"} for one in windows]


def _holidays(holidays: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    if len(holidays) > _LONGEST_LIST:
        raise Invalid(f"A calendar keeps at most {_LONGEST_LIST} holidays of its own.", field="holidays")
    named = {str(one["date"]): line(one["name"], field="holidays") for one in holidays}
    return [{"date": day, "name": name} for day, name in sorted(named.items())]


def minutes(duration: timedelta) -> int:
    """A duration in whole minutes."""
    return int(duration.total_seconds() // 60)
