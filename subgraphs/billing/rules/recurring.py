"""What a contract line asks for, period by period: everything that is due and was not billed yet.

A period is billed in parts. Part 0 is what is there when it is billed; every change of quantity that falls into the period, or that
somebody enters later for a period that was billed before, is a part of its own, numbered by the change. So the same run twice finds
nothing the second time, and a change that comes late is caught up with:

    April billed on the 1st ──► part 0: 30 users            (line, April, 0)
    change 1: +5 from the 11th, entered on the 20th ──► part 1: 5 users for 20 of 30 days      (line, April, 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.periods import DAY, BillingInterval, Period, due
from subgraphs.billing.rules.proration import ProrationMode, Tier, expressed, factor, tier_price
from subgraphs.billing.rules.quantities import Count, Part, QuantityPolicy, bounded, counted


@dataclass(frozen=True, slots=True)
class Change:
    """From a day on so many more or less; `number` is its place among the changes of its line, beginning with 1."""

    number: int
    effective: date
    delta: Decimal
    entered: datetime


@dataclass(frozen=True, slots=True)
class RecurringLine:
    """A contract line, as far as its periods depend on it."""

    id: UUID
    quantity: Decimal
    unit_price: Decimal
    policy: QuantityPolicy
    prorate: ProrationMode
    valid_from: date
    valid_to: date | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    changes: tuple[Change, ...] = ()
    counts: tuple[Count, ...] | None = None
    """What a source counts, for lines whose quantity is counted; None when it is agreed."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a contract is billed."""

    start: date
    interval: BillingInterval
    in_advance: bool
    end: date | None = None
    """Its last day."""


@dataclass(frozen=True, slots=True)
class Charge:
    """So much for a part of a period."""

    line: UUID
    period: Period
    part: int
    active: Period
    agreed_quantity: Decimal
    quantity: Decimal
    unit_price: Decimal


Billed = Mapping[tuple[UUID, date], Mapping[int, datetime]]
"""What was billed before: by line and period the parts, and when."""


def charges(line: RecurringLine, schedule: Schedule, *, until: date, billed: Billed) -> tuple[Charge, ...]:
    """Everything that a run on the day `until` has to bill for a line."""
    last = min((day for day in (line.valid_to, schedule.end) if day is not None), default=None)
    found: list[Charge] = []
    for period in due(schedule.start, schedule.interval, until=until, in_advance=schedule.in_advance, last_day=last):
        there = Period(line.valid_from, last + DAY if last else date.max).meets(period) if _lives(line, last) else None
        if there is not None:
            found.extend(_of_period(line, period, there, billed.get((line.id, period.start), {})))
    return tuple(found)


def _lives(line: RecurringLine, last: date | None) -> bool:
    return last is None or line.valid_from <= last


def _of_period(line: RecurringLine, period: Period, there: Period, before: Mapping[int, datetime]) -> Sequence[Charge]:
    if line.counts is not None or line.policy is not QuantityPolicy.PRORATED_CHANGES:
        return [] if before else _counted(line, period, there)
    if 0 not in before:
        parts = {0: Part(_agreed_on(line, there.start), there), **_changes_within(line, there)}
    else:
        parts = _late(line, there, before)
    return [_charge(line, period, number, part) for number, part in parts.items() if part.quantity]


def _counted(line: RecurringLine, period: Period, there: Period) -> Sequence[Charge]:
    counts = line.counts if line.counts is not None else _as_counts(line)
    parts = counted(counts, there, line.policy)
    if len(parts) == 1:
        parts = (Part(bounded(parts[0].quantity, least=line.least, most=line.most), parts[0].active),)
    return [_charge(line, period, number, part) for number, part in enumerate(parts) if part.quantity]


def _as_counts(line: RecurringLine) -> tuple[Count, ...]:
    days = sorted({line.valid_from, *(change.effective for change in line.changes)})
    return tuple(Count(day, _agreed_on(line, day)) for day in days)


def _agreed_on(line: RecurringLine, day: date) -> Decimal:
    """What is agreed for a day, within its bounds."""
    agreed = line.quantity + sum((change.delta for change in line.changes if change.effective <= day), ZERO)
    return bounded(agreed, least=line.least, most=line.most)


def _changes_within(line: RecurringLine, there: Period) -> dict[int, Part]:
    return {
        change.number: Part(change.delta, Period(change.effective, there.end))
        for change in line.changes
        if there.start < change.effective < there.end
    }


def _late(line: RecurringLine, there: Period, before: Mapping[int, datetime]) -> dict[int, Part]:
    """The changes that a period that was billed before does not have yet."""
    return {
        change.number: Part(change.delta, Period(max(change.effective, there.start), there.end))
        for change in line.changes
        if change.number not in before
        and change.effective < there.end
        and (change.effective > there.start or change.entered > before[0])
    }


def _charge(line: RecurringLine, period: Period, number: int, part: Part) -> Charge:
    price = tier_price(line.tiers, part.quantity, line.unit_price)
    quantity, unit_price = expressed(part.quantity, price, factor(line.prorate, part.active, period))
    return Charge(line.id, period, number, part.active, part.quantity, quantity, unit_price)


def agreed_today(line: RecurringLine, today: date) -> Decimal:
    """What a line counts today."""
    if line.counts is not None:
        known = [count.quantity for count in sorted(line.counts) if count.since <= today]
        return bounded(known[-1] if known else ZERO, least=line.least, most=line.most)
    return _agreed_on(line, today)
