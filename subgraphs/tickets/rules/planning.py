"""What is planned: appointments, schedules of recurring tickets, and whom an article is for."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

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
    """A schedule as RFC 5545 writes it, at most once an hour; raises `Invalid` when it is none."""
    text = rule.strip().removeprefix("RRULE:")
    if not text or len(text) > _LONGEST_RULE or "\n" in text or any(f"FREQ={word}" in text.upper() for word in ("SECONDLY", "MINUTELY")):  # fmt: skip
        raise Invalid("Give one rule as RFC 5545 has it, at most hourly: FREQ=MONTHLY;BYMONTHDAY=1.", field="rrule")
    following(text, starts_at, starts_at, time_zone)
    return text


def following(rule: str, starts_at: datetime, after: datetime, time_zone: str) -> datetime | None:
    """The first moment of a schedule after another, on the wall clock of a time zone; None when it has ended."""
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
