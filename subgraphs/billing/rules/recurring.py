"""What a contract line asks for, period by period: everything that is due and was not billed yet.

A period is billed in parts. Part 0 is what is there when it is billed; every change of quantity that falls into the period, or that
somebody enters later for a period that was billed before, is a part of its own, numbered by the change (where a source counts, by
the day). So the same run twice finds nothing the second time, and a change that comes late is caught up with:

    April billed on the 1st ──► part 0: 30 users            (line, April, 0)
    change 1: +5 from the 11th, entered on the 20th ──► part 1: 5 users for 20 of 30 days      (line, April, 1)

What a change costs is the difference of two wholes, each within its bounds and at the price of its step:

    48 at 10.00, from 50 on at 8.00 ──► part 0: 480.00
    +5 from the 11th: 53 at 8.00 are 424.00 ──► part 1: 56.00 less, for 20 of 30 days: -37.33

A line may also turn out to end earlier than was billed, because the contract was amended or ended, or later, because it was renewed.
Then what was billed is corrected by its days, below zero or above; corrections have numbers below 0 (`rules/corrections.py`):

    April billed on the 1st       ├██████████████████████████████┤     part 0: 30 users at 45.00
    amended from the 11th         ├──────────┤                         part -1: minus 30 users for 20 of 30 days
    the version that follows                 ├████████████████████┤    part 0 of another line: 35 users for 20 of 30 days
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from subgraphs.billing.rules.contracts import LineKind, Pause
from subgraphs.billing.rules.corrections import Before, corrections
from subgraphs.billing.rules.money import ONE, ZERO, product, rounded
from subgraphs.billing.rules.periods import DAY, BillingInterval, Period, anchored, due
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
    kind: LineKind = LineKind.RECURRING
    follows: bool = False
    """Whether it takes the place of a version that held before: its first period is no first one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a contract is billed."""

    start: date
    interval: BillingInterval
    in_advance: bool
    end: date | None = None
    """Its last day."""
    anchor_day: int | None = None
    """The day of the month on which periods begin; the day of the start where nobody named one."""
    pauses: tuple[Pause, ...] = ()


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


Billed = Mapping[tuple[UUID, date], Mapping[int, Before]]
"""What was billed before: by line and period the parts."""


def charges(line: RecurringLine, schedule: Schedule, *, until: date, billed: Billed) -> tuple[Charge, ...]:
    """Everything that a run on the day `until` has to bill for a line."""
    last = min((day for day in (line.valid_to, schedule.end) if day is not None), default=None)
    if line.kind is LineKind.ONE_TIME or not schedule.interval.months:
        return _once(line, schedule, last, until, billed)
    start = anchored(schedule.start, schedule.anchor_day)
    found: list[Charge] = []
    every, day = schedule.interval, schedule.anchor_day
    for period in due(start, every, until=until, in_advance=schedule.in_advance, day_of_month=day):
        before = billed.get((line.id, period.start), {})
        holds = _holds(line, last, period)
        there = holds and _awake(holds, schedule.pauses)
        if there is not None and _begins(line, there, period):
            found.extend(_of_period(line, period, there, before))
        found.extend(_corrected(line, period, holds, before))
    return tuple(found)


def _once(
    line: RecurringLine, schedule: Schedule, last: date | None, until: date, billed: Billed
) -> tuple[Charge, ...]:
    """What is billed one time, on the day on which it begins; a version that follows another was billed as that one."""
    day = line.valid_from
    if day > until or line.follows or (line.id, day) in billed or (last is not None and last < day):
        return ()
    for_a_term = line.kind is not LineKind.ONE_TIME and last is not None
    whole = Period(day, (last if for_a_term and last else day) + DAY)
    return (
        () if _awake(whole, schedule.pauses) is None else (_charge(line, whole, 0, Part(_agreed_on(line, day), whole)),)
    )


def _holds(line: RecurringLine, last: date | None, period: Period) -> Period | None:
    """The days of a period on which the line holds."""
    if last is not None and last < line.valid_from:
        return None
    return Period(line.valid_from, last + DAY if last else date.max).meets(period)


def _awake(there: Period, pauses: Sequence[Pause]) -> Period | None:
    """What is left of the days when the contract rests on the first of them: they begin when it holds again."""
    for pause in sorted(pauses, key=lambda one: one.start):
        if there.start in pause:
            if pause.end is None or pause.end >= there.end:
                return None
            there = Period(pause.end, there.end)
    return there


def _begins(line: RecurringLine, there: Period, period: Period) -> bool:
    """Whether the line has a part in this period: of whole prices the version that held on the first day has it alone."""
    return line.prorate is not ProrationMode.NONE or not line.follows or there.start == period.start


def _of_period(line: RecurringLine, period: Period, there: Period, before: Mapping[int, Before]) -> Sequence[Charge]:
    if line.counts is not None or line.policy is not QuantityPolicy.PRORATED_CHANGES:
        return _counted(line, period, there, before)
    first = _agreed(line, [one for one in line.changes if _is_in_first(one, there, before)])
    changed = _changed(line, there, before)
    found = [] if 0 in before or not first else [_charge(line, period, 0, Part(first, there))]
    return [*found, *_stepped(line, period, there, {key: one for key, one in changed.items() if key not in before})]


def _corrected(
    line: RecurringLine, period: Period, holds: Period | None, before: Mapping[int, Before]
) -> Sequence[Charge]:
    if line.prorate is ProrationMode.NONE:
        return ()
    return [
        Charge(line.id, period, one.number, one.active, one.quantity, one.quantity, one.unit_price)
        for one in corrections(before, holds.end if holds else period.start)
    ]


def _counted(line: RecurringLine, period: Period, there: Period, before: Mapping[int, Before]) -> Sequence[Charge]:
    """What a source counts; where changes are prorated, those that came after the period was billed are caught up with."""
    each = line.policy is QuantityPolicy.PRORATED_CHANGES
    if before and not each:
        return ()
    counts = line.counts if line.counts is not None else _as_counts(line)
    if not each:
        parts = (Part(_within(line, part.quantity), part.active) for part in counted(counts, there, line.policy))
        return [_charge(line, period, _day_of(part, period), part) for part in parts if part.quantity]
    bounded_counts = [replace(one, quantity=_within(line, one.quantity)) for one in (Count(date.min, ZERO), *counts)]
    found, steps, quantity = [], {}, ZERO
    for part in counted(bounded_counts, there, line.policy):
        number = _day_of(part, period)
        if part.active == there and number not in before:
            found.append(_charge(line, period, number, part))
        elif number not in before:
            steps[number] = [_Step(part.active, quantity, quantity + part.quantity)]
        quantity += part.quantity
    return [*found, *_stepped(line, period, there, steps)]


def _day_of(part: Part, period: Period) -> int:
    return (part.active.start - period.start).days


def _as_counts(line: RecurringLine) -> tuple[Count, ...]:
    days = sorted({line.valid_from, *(change.effective for change in line.changes)})
    return tuple(Count(day, _agreed_on(line, day)) for day in days)


def _agreed_on(line: RecurringLine, day: date) -> Decimal:
    """What is agreed for a day, within its bounds."""
    return _agreed(line, [one for one in line.changes if one.effective <= day])


def _agreed(line: RecurringLine, changes: Iterable[Change]) -> Decimal:
    """What is agreed when these changes hold, within its bounds."""
    return _within(line, line.quantity + sum((one.delta for one in changes), ZERO))


def _within(line: RecurringLine, quantity: Decimal) -> Decimal:
    return bounded(quantity, least=line.least, most=line.most)


def _charge(line: RecurringLine, period: Period, number: int, part: Part) -> Charge:
    share = factor(_mode(line, from_the_start=True), part.active, period)
    quantity, unit_price = expressed(part.quantity, _price(line, part.quantity), share)
    return Charge(line.id, period, number, part.active, part.quantity, quantity, unit_price)


def _mode(line: RecurringLine, *, from_the_start: bool) -> ProrationMode:
    """How a part is prorated: what is said of a first period holds for a line that begins, not for what changes later."""
    first = ProrationMode.FULL_FIRST, ProrationMode.FREE_FIRST
    return ProrationMode.DAILY if line.prorate in first and (line.follows or not from_the_start) else line.prorate


def _price(line: RecurringLine, quantity: Decimal) -> Decimal:
    return tier_price(line.tiers, quantity, line.unit_price)


# --- changes within a period


@dataclass(frozen=True, slots=True)
class _Step:
    """For these days so many, where without the change there would have been so many."""

    active: Period
    was: Decimal
    now: Decimal


def _is_in_first(change: Change, there: Period, before: Mapping[int, Before]) -> bool:
    """Whether what is there on the first day has the change already."""
    return change.effective <= there.start and (0 not in before or change.entered <= before[0].at)


def _changed(line: RecurringLine, there: Period, before: Mapping[int, Before]) -> dict[int, Sequence[_Step]]:
    """What each change makes of what was there before it was entered; together they make the period what it is."""
    known = [one for one in line.changes if _is_in_first(one, there, before)]
    found: dict[int, Sequence[_Step]] = {}
    for change in sorted(line.changes, key=lambda one: one.number):
        if change.effective < there.end and change not in known:
            found[change.number] = _steps(line, there, change, known)
            known.append(change)
    return found


def _steps(line: RecurringLine, there: Period, change: Change, known: Sequence[Change]) -> Sequence[_Step]:
    first = max(change.effective, there.start)
    days = sorted({first, there.end, *(one.effective for one in known if first < one.effective < there.end)})
    found = []
    for start, end in pairwise(days):
        held = [one for one in known if one.effective <= start]
        found.append(_Step(Period(start, end), _agreed(line, held), _agreed(line, [*held, change])))
    return found


def _stepped(
    line: RecurringLine, period: Period, there: Period, changed: Mapping[int, Sequence[_Step]]
) -> Iterator[Charge]:
    for number, every in changed.items():
        # A whole price asks for what is added, and gives nothing back before the next period.
        whole = line.prorate is ProrationMode.NONE
        steps = [one for one in (every[:1] if whole else every) if one.now != one.was]
        if steps and not (whole and steps[0].now < steps[0].was and steps[0].active.start > there.start):
            charge = _change(line, period, there, number, steps)
            if charge.quantity and charge.unit_price:
                yield charge


def _change(line: RecurringLine, period: Period, there: Period, number: int, steps: Sequence[_Step]) -> Charge:
    """What a change costs: so many at their price where that says it, otherwise the difference as one piece."""
    # However long it made a difference, it lasts: what ends a line puts right all of its parts alike.
    active = Period(steps[0].active.start, there.end)
    mode = _mode(line, from_the_start=active.start == there.start)
    delta = steps[-1].now - steps[-1].was
    prices = {_price(line, many) for one in steps for many in (one.was, one.now) if many}
    alike = len(prices) == 1 and all(one.now - one.was == delta for one in steps)
    if alike and (line.prorate is ProrationMode.NONE or sum(one.active.days for one in steps) == active.days):
        quantity, unit_price = expressed(delta, prices.pop(), factor(mode, active, period))
    else:
        worth = rounded(sum((product(_worth(line, one), factor(mode, one.active, period)) for one in steps), ZERO))
        quantity, unit_price = (ONE, worth) if worth >= 0 else (-ONE, -worth)
    return Charge(line.id, period, number, active, delta, quantity, unit_price)


def _worth(line: RecurringLine, step: _Step) -> Decimal:
    """The difference of the two wholes for a whole period."""
    return product(step.now, _price(line, step.now)) - product(step.was, _price(line, step.was))


def agreed_today(line: RecurringLine, today: date) -> Decimal:
    """What a line counts today."""
    if line.counts is not None:
        known = [count.quantity for count in sorted(line.counts) if count.since <= today]
        return _within(line, known[-1] if known else ZERO)
    return _agreed_on(line, today)
