"""Which day it is: documents carry the day of the place where they are written, and moments are stored in UTC.

2026-12-31 23:30 UTC  =  2027-01-01 00:30 in Berlin      the invoice is of 2027, and so is its number
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from subgraphs.kit.errors import Invalid

TIME_ZONE = "Europe/Berlin"
"""Where the seller sits, unless somebody says otherwise."""


def local(moment: datetime, time_zone: str = TIME_ZONE) -> date:
    """The day that it is there at this moment."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def zone(name: str | None, *, field: str = "timeZone") -> str:
    """The name of a time zone; raises `Invalid` when there is none of this name."""
    try:
        return ZoneInfo(name or TIME_ZONE).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"{name!r} is no time zone; give a name such as Europe/Berlin.", field=field) from None
