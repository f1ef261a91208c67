"""Business time: when a desk is at work, how much of that lies between two instants, and when so much has passed.

A calendar is a weekly pattern of windows on the wall clock of one time zone, without holidays:

    Mon     ░░░░░░░░████████████████████░░░░░░░      08:00-17:00
    Tue     ░░░░░░░░████████████████████░░░░░░░
    Fri 1.5 ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░      a holiday: from midnight to midnight there is no business time
    night   ██████░░░░░░░░░░░░░░░░░░░░░░░░█████      22:00-06:00 belongs to the day on which it begins

From these follow two functions, and every clock and every surcharge is built of them alone:

    B(a, b)    between    the business time in [a, b)
    add(t, d)  after      the first instant at which d of business time has passed since t

Windows are read on the wall clock and measured as they pass: a night window lasts seven hours when summer time begins and nine
when it ends. An edge that the clock leaps over lies where it leaps: a window that begins at half past two begins, in the night when
summer time does, at three. If d ends exactly with a window, the answer is the end of that window, not the beginning of the next.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules import holiday_regions

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NONE = timedelta(0)
_MIDNIGHT = time()
_LONGEST_WAIT_DAYS = 366 * 10

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Window:
    """Working hours that begin on one weekday; when they end at or before their beginning, on the next day."""

    weekday: int
    """1 is Monday, 7 is Sunday (ISO 8601)."""
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a desk is at work."""

    time_zone: str = "Europe/Berlin"
    windows: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()
    """Days off beside those of the region."""
    region: str | None = None
    """The region whose public holidays are days off, as ISO 3166 writes it."""
    always: bool = False
    """Around the clock: no windows, no holidays."""

    def is_off(self, day: date) -> bool:
        """Whether the day is a holiday."""
        return day in self.holidays or (
            self.region is not None and day in holiday_regions.of_year(self.region, day.year)
        )


ALWAYS = Calendar(always=True)


def checked(calendar: Calendar) -> Calendar:
    """The calendar, if clocks can run in it; raises `Invalid` naming what is wrong."""
    zone(calendar.time_zone)
    if calendar.region is not None:
        holiday_regions.checked(calendar.region)
    if calendar.always:
        return calendar
    if not calendar.windows:
        raise Invalid("A calendar needs working hours on at least one day, or goes around the clock.", field="weekly")
    if any(not 1 <= window.weekday <= 7 for window in calendar.windows):
        raise Invalid("A weekday is a number from 1 (Monday) to 7 (Sunday).", field="weekly")
    _refuse_overlaps(calendar.windows)
    return calendar


def zone(name: str) -> ZoneInfo:
    """The time zone of this name; raises `Invalid` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{name!r} is no time zone; give a name such as Europe/Berlin.", field="timeZone") from None


def clock_time(text: str, *, field: str = "weekly") -> time:
    """`08:00` as a time on the wall clock; `24:00` is the midnight that ends a day."""
    try:
        return _MIDNIGHT if text == "24:00" else time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Invalid(f"{text!r} is no time of day; write it as 08:00.", field=field) from None


def between(calendar: Calendar, since: datetime, until: datetime) -> timedelta:
    """The business time in [since, until); none when `until` is not after `since`."""
    if until <= since:
        return _NONE
    if calendar.always:
        return until.astimezone(UTC) - since.astimezone(UTC)
    return sum((end - begin for begin, end in spans(calendar, since, until)), _NONE)


def after(calendar: Calendar, since: datetime, duration: timedelta) -> datetime:
    """The first instant at which `duration` of business time has passed since `since`, in UTC.

    Raises `Invalid` when the calendar has not so much time in ten years.
    """
    since = since.astimezone(UTC)
    if duration <= _NONE:
        return since
    if calendar.always:
        return since + duration
    left = duration
    for begin, end in _spans_from(calendar, since):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise Invalid("The calendar has too few working hours for this; give it more, or a shorter target.")


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether the desk is at work at this instant."""
    return between(calendar, at, at + timedelta(microseconds=1)) > _NONE


def spans(calendar: Calendar, since: datetime, until: datetime) -> Iterator[Span]:
    """The stretches of business time in [since, until), in order and apart from each other, in UTC."""
    until = until.astimezone(UTC)
    if calendar.always:
        yield since.astimezone(UTC), until
        return
    for begin, end in _spans_from(calendar, since):
        if begin >= until:
            return
        yield begin, min(end, until)


def business_days(calendar: Calendar, since: datetime, until: datetime) -> int:
    """How many days with business time lie after the local day of `since`, up to the local day of `until`."""
    local = ZoneInfo(calendar.time_zone)
    first, last = since.astimezone(local).date(), until.astimezone(local).date()
    days = (first + timedelta(days=number) for number in range(1, (last - first).days + 1))
    return sum(1 for day in days if calendar.always or _of_day(calendar, day))


def after_business_days(calendar: Calendar, since: datetime, days: int) -> datetime:
    """The end of the local day on which so many business days have passed after the day of `since`, in UTC."""
    local = ZoneInfo(calendar.time_zone)
    day, left = since.astimezone(local).date(), days
    for _ in range(_LONGEST_WAIT_DAYS):
        if left <= 0:
            return datetime.combine(day + _DAY, _MIDNIGHT, local).astimezone(UTC)
        day += _DAY
        left -= 1 if calendar.always or _of_day(calendar, day) else 0
    raise Invalid("The calendar has too few working days for this.")


def _spans_from(calendar: Calendar, since: datetime) -> Iterator[Span]:
    """What is left of the stretch that `since` lies in, and all that follow for ten years."""
    since = since.astimezone(UTC)
    first = since.astimezone(ZoneInfo(calendar.time_zone)).date()
    for number in range(_LONGEST_WAIT_DAYS):
        for begin, end in _of_day(calendar, first + timedelta(days=number)):
            if end > since:
                yield max(begin, since), end


@functools.lru_cache(maxsize=16384)
def _of_day(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """The business time of one local day, midnight to midnight; what began the evening before is part of it."""
    if calendar.is_off(day):
        return ()
    local = ZoneInfo(calendar.time_zone)
    found = sorted(
        (_instant(local, day, begins), _instant(local, day + _DAY, _MIDNIGHT) if ends is None else _instant(local, day, ends))
        for begins, ends in _wall(calendar, day)
    )  # fmt: skip
    return _joined(found)


def _wall(calendar: Calendar, day: date) -> Iterator[tuple[time, time | None]]:
    """The parts of windows on this day on the wall clock; None ends with the day."""
    for window in calendar.windows:
        overnight = window.ends <= window.begins
        if window.weekday == day.isoweekday():
            yield window.begins, None if overnight else window.ends
        if overnight and window.weekday == (day - _DAY).isoweekday() and window.ends != _MIDNIGHT:
            yield _MIDNIGHT, window.ends


def _instant(local: ZoneInfo, day: date, at: time) -> datetime:
    """The instant at which the wall clock shows this; where it leaps over it, the instant of the leap."""
    wall = datetime.combine(day, at, local)
    found = wall.astimezone(UTC)
    if found.astimezone(local).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return found
    before, after_it = wall.replace(fold=1).astimezone(UTC), found
    offset = before.astimezone(local).utcoffset()
    while after_it - before > _SECOND:
        middle = before + (after_it - before) // 2
        before, after_it = (middle, after_it) if middle.astimezone(local).utcoffset() == offset else (before, middle)
    return after_it.replace(microsecond=0)


def _joined(found: list[Span]) -> tuple[Span, ...]:
    """Stretches in order, those that touch or overlap made one, and empty ones left out."""
    apart: list[Span] = []
    for begin, end in found:
        if apart and begin <= apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        elif begin < end:
            apart.append((begin, end))
    return tuple(apart)


def _refuse_overlaps(windows: tuple[Window, ...]) -> None:
    week = 7 * 24 * 60
    taken = [False] * week
    for window in windows:
        begin = (window.weekday - 1) * 1440 + window.begins.hour * 60 + window.begins.minute
        length = (window.ends.hour * 60 + window.ends.minute - window.begins.hour * 60 - window.begins.minute) % 1440
        for minute in range(begin, begin + (length or 1440)):
            if taken[minute % week]:
                raise Invalid("Two of the windows overlap; write them as one.", field="weekly")
            taken[minute % week] = True
