"""Quiet hours and digests: when somebody may be told, by the clock on their wall.

Quiet hours are two times of a day in the person's time zone, and may cross midnight. They are turned into moments for
each day by itself, because days have 23, 24 or 25 hours:

    wall clock     22:00 ───────── 02:00 ┆ 03:00 ───── 07:00        the night in spring: 02:00 to 03:00 is not there
    moments        20:00Z … … … …  01:00Z        … …   05:00Z

* A time that is not there (in spring) stands for the moment at which the clock jumps over it.
* A time that is there twice (in autumn): quiet begins with the first, and ends with the second.

Quiet that ends where the next quiet begins goes on; so whoever is told at the moment found here is not told in quiet hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from subgraphs.kit.errors import Invalid

_DAILY_AT: Final = time(8, 0)
_DAY: Final = timedelta(days=1)
_MOST_NIGHTS: Final = 3


class Digest(Enum):
    """How news are put together."""

    NONE = "NONE"
    """Each by itself, as it happens."""
    HOURLY = "HOURLY"
    """Once in an hour, when there is something."""
    DAILY = "DAILY"
    """Once a day, at eight in the morning."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when until when somebody wants to be left alone."""

    begins: time
    ends: time
    zone: str


def zone(name: str, *, field: str = "timeZone") -> str:
    """A name of a time zone; raises `Invalid`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{name!r} is no time zone; Europe/Berlin is one.", field=field) from None
    return name


def over(quiet: QuietHours, at: datetime) -> datetime:
    """The first moment from `at` on that does not lie in quiet hours."""
    moment = at
    for _ in range(_MOST_NIGHTS):
        end = _end_of_night(quiet, moment)
        if end is None:
            return moment
        moment = end
    return moment


def is_quiet(quiet: QuietHours, at: datetime) -> bool:
    """Whether somebody wants to be left alone at this moment."""
    return _end_of_night(quiet, at) is not None


def due(digest: Digest, zone_name: str, at: datetime) -> datetime:
    """When news of `at` are told together: the next full hour, or the next morning."""
    local = at.astimezone(ZoneInfo(zone_name))
    match digest:
        case Digest.NONE:
            return at
        case Digest.HOURLY:
            return at - timedelta(minutes=local.minute, seconds=at.second, microseconds=at.microsecond - 3_600_000_000)
        case Digest.DAILY:
            today = _moment(local.date(), _DAILY_AT, zone_name, fold=0)
            return today if today > at else _moment(local.date() + _DAY, _DAILY_AT, zone_name, fold=0)


def _end_of_night(quiet: QuietHours, at: datetime) -> datetime | None:
    if quiet.begins == quiet.ends:
        return None
    today = at.astimezone(ZoneInfo(quiet.zone)).date()
    for day in (today - _DAY, today):
        last = day if quiet.ends > quiet.begins else day + _DAY
        begin = _moment(day, quiet.begins, quiet.zone, fold=0)
        end = _moment(last, quiet.ends, quiet.zone, fold=1)
        if begin <= at < end:
            return end
    return None


def _moment(day: date, wall: time, zone_name: str, *, fold: int) -> datetime:
    """The moment of a time on a wall; of a time that is not there, the moment of the jump."""
    where = ZoneInfo(zone_name)
    local = datetime.combine(day, wall, tzinfo=where)
    after, before = (local.replace(fold=one).astimezone(UTC) for one in (0, 1))
    if after <= before:  # there once, or twice: the first is fold 0
        return before if fold else after
    return _jump(before, after, where)


def _jump(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The second between two moments at which the clock was put forward."""
    old = before.astimezone(where).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        is_old = (before + timedelta(seconds=middle)).astimezone(where).utcoffset() == old
        low, high = (middle, high) if is_old else (low, middle)
    return before + timedelta(seconds=high)
