"""The terms of contracts, with no I/O: when one can be left, when it goes on, and what it costs from a day on.

A term ends on its last day, and the next begins on the day after. Notice counts back from there:

    term 2026 ───────────────────────────────────► 12-31 │ 2027-01-01   the next term, if nobody gave notice
                              09-30 ◄── 3 months ────────┘
                              └ the last day of notice: (term end + 1 day) - months - 1 day

Whoever gives notice by that day leaves with the term; a day later they leave with the next one, where the contract
renews itself. A contract without a term can be left from any day on, with the same months to go.

Prices change from a day on: the line as it was ends the day before, and another version of it begins. What was billed
before stays as it was.

    line, 45.00 ─────────── valid to 03-31
                                          valid from 04-01 ─────────── line, 46.58 (+ 3.5 %)
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

DAY = timedelta(days=1)
CENT = Decimal("0.01")

REMINDERS = (60, 30, 7)
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


@dataclass(frozen=True, slots=True)
class Term:
    """The days for which both sides are bound; both ends count."""

    start: date
    end: date


def plus_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def term(start: date, months: int) -> Term:
    """A term of so many months."""
    return Term(start, plus_months(start, months) - DAY)


def renewed(term_end: date, renewal_months: int) -> Term:
    """The term that follows when nobody gave notice."""
    return term(term_end + DAY, renewal_months)


# --- notice


def notice_deadline(term_end: date, notice_months: int) -> date:
    """The last day on which notice ends a contract with this term."""
    return plus_months(term_end + DAY, -notice_months) - DAY


def earliest_end(given: date, notice_months: int) -> date:
    """The first day with which a contract without a term can end, when notice was given on this day."""
    end = plus_months(given + DAY, notice_months) - DAY
    while notice_deadline(end, notice_months) < given:  # months have different lengths
        end += DAY
    return end


def leaves(given: date, *, term_end: date | None, notice_months: int, renewal_months: int | None) -> date:
    """The last day of a contract when notice was given on `given`; `renewal_months` is None where it never renews."""
    if term_end is None:
        return earliest_end(given, notice_months)
    while renewal_months and notice_deadline(term_end, notice_months) < given:
        term_end = renewed(term_end, renewal_months).end
    return term_end


def reminders(deadline: date, *, after: date) -> tuple[tuple[int, date], ...]:
    """When somebody is told that the last day of notice comes nearer: how many days before, and on which day."""
    days = ((left, deadline - timedelta(days=left)) for left in REMINDERS)
    return tuple((left, day) for left, day in days if day > after)


# --- what comes due


class Due(Enum):
    """What happens when the last day of a term has passed."""

    NOTHING = "NOTHING"
    """The term is another one by now, or not over yet."""
    RENEW = "RENEW"
    """The next term begins."""
    END = "END"
    """The contract is over."""


def over(*, expected: date, term_end: date | None, today: date, renews: bool) -> Due:
    """What the timer that was set for the term end `expected` brings about; it may be late, early, doubled or outdated."""
    if term_end != expected or today <= expected:
        return Due.NOTHING
    return Due.RENEW if renews else Due.END


# --- prices and amendments


def indexed(price: Decimal, percent: Decimal) -> Decimal:
    """The price after a change by so many percent, to the cent."""
    return (price * (100 + percent) / 100).quantize(CENT, ROUND_HALF_UP)


def index_change(before: Decimal, now: Decimal) -> Decimal:
    """By how many percent an index rose, to two places."""
    return ((now / before - 1) * 100).quantize(CENT, ROUND_HALF_UP)


def reference_after(before: Decimal | None, now: Decimal | None) -> Decimal | None:
    """The index that prices are compared with next: the highest one they followed, for they did not fall with it either."""
    return max((one for one in (before, now) if one is not None), default=None)


def running_period(start: date, interval: BillingInterval, today: date) -> date:
    """The first day of the period that runs on `today`, counted from the original start; before it, the start."""
    if not interval.months or today <= start:
        return start
    k = ((today.year - start.year) * 12 + today.month - start.month) // interval.months
    first = plus_months(start, k * interval.months)
    return first if first <= today else plus_months(start, (k - 1) * interval.months)


def monthly(prices: Sequence[Decimal], interval: BillingInterval) -> Decimal:
    """What the prices of one interval come to in a month."""
    if not interval.months:
        return Decimal("0.00")
    return (sum(prices, Decimal(0)) / interval.months).quantize(CENT, ROUND_HALF_UP)
