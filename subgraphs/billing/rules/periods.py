"""Billing periods: which parts of time a recurring line is billed for, and when a contract can be left.

The k-th period of a line begins at `start + k intervals`, always counted from the *original* start, with the day cut to what the
month has. Counting from the last period instead would drift: 31 January, 28 February, 28 March …

    start 2026-01-31, monthly

    01-31 ────► 02-28 ────► 03-31 ────► 04-30 ────► …       half-open: [01-31, 02-28), [02-28, 03-31)

On documents the end is shown inclusive (`Period.last_day`), as EN 16931 wants it (BT-74).
"""

from __future__ import annotations

import calendar
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from subgraphs.billing.rules.money import CENT, ONE, product, rounded

DAY = timedelta(days=1)

REMINDERS_BEFORE_NOTICE = (60, 30, 7)
"""How many days before the last day of notice somebody is told."""


class BillingInterval(Enum):
    """How often something is billed."""

    ONE_TIME = "ONE_TIME"
    """Once."""
    MONTHLY = "MONTHLY"
    """Every month."""
    QUARTERLY = "QUARTERLY"
    """Every three months."""
    SEMIANNUAL = "SEMIANNUAL"
    """Every six months."""
    ANNUAL = "ANNUAL"
    """Every year."""

    @property
    def months(self) -> int:
        """How many months one interval has; 0 when there is only one."""
        return _MONTHS[self]


_MONTHS = {
    BillingInterval.ONE_TIME: 0,
    BillingInterval.MONTHLY: 1,
    BillingInterval.QUARTERLY: 3,
    BillingInterval.SEMIANNUAL: 6,
    BillingInterval.ANNUAL: 12,
}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A span of days: from `start`, until the day before `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        """Its end as people write it."""
        return self.end - DAY

    def meets(self, other: Period) -> Period | None:
        """The days that are in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def month_of(day: date) -> Period:
    """The calendar month in which a day lies."""
    first = day.replace(day=1)
    return Period(first, plus_months(first, 1))


def plus_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def occurrence(start: date, interval: BillingInterval, k: int, day_of_month: int | None = None) -> date:
    """The beginning of the k-th period, counted from the original start.

    `day_of_month` is the day that was agreed, where the month of the start is too short to show it: the 31st, say.
    """
    first = plus_months(start.replace(day=1), k * interval.months)
    return _on_day(first, day_of_month or start.day)


def anchored(start: date, day_of_month: int | None) -> date:
    """The first day of the period in which a contract starts, when periods begin on a day of the month that was agreed."""
    if day_of_month is None:
        return start
    this = _on_day(start, day_of_month)
    return this if this <= start else _on_day(plus_months(start.replace(day=1), -1), day_of_month)


def _on_day(month: date, day: int) -> date:
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))


def periods(start: date, interval: BillingInterval, day_of_month: int | None = None) -> Iterator[Period]:
    """All periods since the start, without an end; nothing for what happens once."""
    if not interval.months:
        return
    days = (occurrence(start, interval, k, day_of_month) for k in itertools.count())
    yield from (Period(first, after) for first, after in itertools.pairwise(days))


@functools.lru_cache(maxsize=1024)
def due(
    start: date,
    interval: BillingInterval,
    *,
    until: date,
    in_advance: bool,
    last_day: date | None = None,
    day_of_month: int | None = None,
) -> tuple[Period, ...]:
    """The periods that a run on the day `until` has to bill, missed ones included, oldest first.

    In advance, a period is due on its first day; in arrears, on the day after its last. No period begins after `last_day`.
    All lines of a contract have the same ones, and in a run those of most contracts: they are remembered.
    """
    wanted = itertools.takewhile(
        lambda period: (period.start if in_advance else period.end) <= until, periods(start, interval, day_of_month)
    )
    return tuple(period for period in wanted if last_day is None or period.start <= last_day)


def next_due(
    start: date,
    interval: BillingInterval,
    *,
    after: date,
    in_advance: bool,
    last_day: date | None = None,
    day_of_month: int | None = None,
) -> date | None:
    """The first day after `after` on which something is due, or None when nothing more will be."""
    for period in periods(start, interval, day_of_month):
        if last_day is not None and period.start > last_day:
            return None
        day = period.start if in_advance else period.end
        if day > after:
            return day
    return None


# --- the terms of a contract


def notice_deadline(term_end: date, notice_months: int) -> date:
    """The last day on which notice can be given: so many months before the day after the term."""
    return plus_months(term_end + DAY, -notice_months) - DAY


def reminders(term_end: date, notice_months: int) -> tuple[date, ...]:
    """The days on which somebody is told that the notice is due."""
    deadline = notice_deadline(term_end, notice_months)
    return tuple(deadline - timedelta(days=days) for days in REMINDERS_BEFORE_NOTICE)


def renewed(term_end: date, renewal_months: int) -> Period:
    """The term that follows when nobody gives notice."""
    start = term_end + DAY
    return Period(start, plus_months(start, renewal_months))


def indexed(unit_price: Decimal, rate: Decimal) -> Decimal:
    """The price after an indexation by `rate` (0.035 for 3.5 %)."""
    return rounded(product(unit_price, ONE + rate), CENT)
