"""What is planned: appointments, schedules of recurring tickets, and whom an article is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from subgraphs.kit import cron
from subgraphs.kit.errors import Invalid

_LONGEST_RULE = 500


class AppointmentKind(Enum):
    """How people meet."""

    ON_SITE = "ON_SITE"
    """At the customer's."""
    REMOTE = "REMOTE"
    """Over the network."""
    PHONE = "PHONE"
    """By telephone."""
    INTERNAL = "INTERNAL"
    """Among us."""


class AppointmentState(Enum):
    """What became of an appointment."""

    PLANNED = "PLANNED"
    """Proposed."""
    CONFIRMED = "CONFIRMED"
    """Agreed."""
    DONE = "DONE"
    """It took place."""
    CANCELLED = "CANCELLED"
    """It will not take place."""


class KbVisibility(Enum):
    """Whom an article is for."""

    INTERNAL = "INTERNAL"
    """Us."""
    CUSTOMERS = "CUSTOMERS"
    """Customers: those that are named, or all when none is."""
    PUBLIC = "PUBLIC"
    """Everybody who can sign in."""


def checked_rule(rule: str, starts_at: datetime, time_zone: str) -> str:
    """A schedule as RFC 5545 writes it, or as cron does, at most once an hour; raises `Invalid` when it is none."""
    if cron.is_cron(rule):
        return cron.checked(rule, field="rrule")
    text = rule.strip().removeprefix("RRULE:")
    if not text or len(text) > _LONGEST_RULE or "\n" in text or any(f"FREQ={word}" in text.upper() for word in ("SECONDLY", "MINUTELY")):  # fmt: skip
        raise Invalid("Give one rule as RFC 5545 has it, at most hourly: FREQ=MONTHLY;BYMONTHDAY=1.", field="rrule")
    _check_days(dict(part.partition("=")[::2] for part in text.upper().split(";")))
    following(text, starts_at, starts_at, time_zone)
    return text


def _check_days(parts: Mapping[str, str]) -> None:
    """Refuse what has no day at all: whoever looks for the next one looks until the year 9999, hour by hour if need be."""
    months, days = (
        [abs(int(one)) for one in _NUMBER.findall(parts.get(name, ""))] for name in ("BYMONTH", "BYMONTHDAY")
    )
    longest = max((_LONGEST_MONTHS.get(month, 31) for month in months), default=31)
    often = parts.get("FREQ") in {"HOURLY", "DAILY"}
    if (days and min(days) > longest) or "BYEASTER" in parts or (often and _OF_THE_YEAR & parts.keys()):
        raise Invalid("This rule has no day, or none that can be found in time.", field="rrule")


_NUMBER: Final = re.compile(r"-?\d+")
_LONGEST_MONTHS: Final = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_OF_THE_YEAR: Final = {"BYYEARDAY", "BYWEEKNO", "BYSETPOS"}


def following(rule: str, starts_at: datetime, after: datetime, time_zone: str) -> datetime | None:
    """The first moment of a schedule after another, on the wall clock of a time zone; None when it has ended."""
    if cron.is_cron(rule):
        return cron.following(rule, max(after, starts_at - timedelta(seconds=1)), time_zone)
    local = ZoneInfo(time_zone)
    # The schedule is one of wall clocks: nine o'clock stays nine o'clock when summer begins.
    begins, since = (moment.astimezone(local).replace(tzinfo=None) for moment in (starts_at, after))
    try:
        schedule = rrulestr(rule, dtstart=begins, ignoretz=True)
        found = schedule.after(since, inc=False)
        # When summer ends the hour after two comes twice, and counts the first time: seen from its second time, it is over.
        while found and found.replace(tzinfo=local).astimezone(UTC) <= after:
            found = schedule.after(found, inc=False)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid("This is no rule of RFC 5545; write it as FREQ=MONTHLY;BYMONTHDAY=1.", field="rrule") from error
    return found.replace(tzinfo=local).astimezone(UTC) if found else None
