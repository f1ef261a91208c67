"""How many of something a period is billed for, when the number changes while it runs.

A source (devices, users, licences) gives a number that holds until the next one. What of it counts is the line's policy:

    35 ┤            ┌───────────────      30 users until 10 April, 35 from the 11th:
    30 ┤────────────┘                     start 30 · end 35 · max 35 · average (30·10 + 35·20)/30 = 33.33
       └────────────┴───────────────      prorated changes: 30, and 5 more for 20 of 30 days
       1            11            30
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum

from subgraphs.billing.rules.money import CENT, ZERO, product, ratio, rounded
from subgraphs.billing.rules.periods import Period

SEEN_WITHIN_DAYS = 30
"""A device that was silent for longer before the end of the period isn't counted; a tenant may set another number."""

BILLED_DEVICE_STATUSES = frozenset({"DEPLOYED", "MAINTENANCE"})
"""Where in its life a device has to be to count."""

NOT_PEOPLE = frozenset({"service", "shared", "kiosk"})
"""Accounts with one of these tags are no users."""


class QuantityMode(Enum):
    """Where the number of a recurring line comes from."""

    FIXED = "FIXED"
    """From the contract."""
    ACTIVE_DEVICES = "ACTIVE_DEVICES"
    """The devices that we look after."""
    ACTIVE_USERS = "ACTIVE_USERS"
    """The people who work there."""
    LICENSE_COUNT = "LICENSE_COUNT"
    """The licences that are assigned."""
    USAGE = "USAGE"
    """What a meter counted."""
    MANUAL = "MANUAL"
    """Entered by hand for each period."""


DYNAMIC = frozenset(QuantityMode) - {QuantityMode.FIXED}


class QuantityPolicy(Enum):
    """Which number of a period counts when it changes within."""

    SNAPSHOT_START = "SNAPSHOT_START"
    """The one on the first day."""
    SNAPSHOT_END = "SNAPSHOT_END"
    """The one on the last day."""
    MAX = "MAX"
    """The largest."""
    AVERAGE = "AVERAGE"
    """The mean over all days, to two places."""
    PRORATED_CHANGES = "PRORATED_CHANGES"
    """The one on the first day, and each change for the days that it was there."""


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """From this day on there are so many."""

    since: date
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """So many, for some days of a period; `quantity` may be negative when some went away."""

    quantity: Decimal
    active: Period


def counted(counts: Iterable[Count], period: Period, policy: QuantityPolicy) -> tuple[Part, ...]:
    """What the policy makes of the counts: one part, or with `PRORATED_CHANGES` one for each change."""
    spans = _spans(counts, period)
    match policy:
        case QuantityPolicy.SNAPSHOT_START:
            return (Part(spans[0].quantity, period),)
        case QuantityPolicy.SNAPSHOT_END:
            return (Part(spans[-1].quantity, period),)
        case QuantityPolicy.MAX:
            return (Part(max(span.quantity for span in spans), period),)
        case QuantityPolicy.AVERAGE:
            return (Part(_average(spans, period), period),)
        case QuantityPolicy.PRORATED_CHANGES:
            return _changes(spans, period)


def billed_quantity(parts: Sequence[Part], period: Period) -> Decimal:
    """All parts as one number: each counts by its share of the period."""
    days = sum((product(part.quantity, Decimal(part.active.days)) for part in parts), ZERO)
    return ratio(days, Decimal(period.days))


def _spans(counts: Iterable[Count], period: Period) -> tuple[Part, ...]:
    """The period cut where the number changes; before the first count there is nothing."""
    known = sorted(counts)
    before = [count for count in known if count.since <= period.start]
    within = [count for count in known if period.start < count.since < period.end]
    steps = [Count(period.start, before[-1].quantity if before else ZERO), *within]
    ends = [*(step.since for step in steps[1:]), period.end]
    spans = [Part(step.quantity, Period(step.since, end)) for step, end in zip(steps, ends, strict=True)]
    return tuple(span for span in spans if span.active.days)


def _average(spans: Sequence[Part], period: Period) -> Decimal:
    return rounded(billed_quantity(spans, period), CENT)


def _changes(spans: Sequence[Part], period: Period) -> tuple[Part, ...]:
    first, *later = spans
    parts, quantity = [Part(first.quantity, period)], first.quantity
    for span in later:
        parts.append(Part(span.quantity - quantity, Period(span.active.start, period.end)))
        quantity = span.quantity
    return tuple(part for part in parts if part.quantity)


def bounded(quantity: Decimal, *, least: Decimal | None, most: Decimal | None) -> Decimal:
    """The quantity within what the contract line says is billed at least and at most."""
    quantity = quantity if least is None else max(quantity, least)
    return quantity if most is None else min(quantity, most)


# --- what counts


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a device when somebody counts."""

    managed: bool
    counts_as_device: bool
    status: str
    last_seen: datetime | None


def is_billed_device(device: Device, period_end: datetime, *, within_days: int = SEEN_WITHIN_DAYS) -> bool:
    """Whether a device counts: we look after it, it is in use, and it gave a sign of life lately."""
    in_use = device.managed and device.counts_as_device and device.status in BILLED_DEVICE_STATUSES
    return in_use and device.last_seen is not None and device.last_seen >= period_end - timedelta(days=within_days)


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person at a customer when somebody counts."""

    customer: str
    address: str
    """The e-mail address or the UPN, by which the same person is known at two companies."""
    active: bool = True
    licensed: bool = False
    """Has a licence that is billed, or signs in."""
    tags: frozenset[str] = frozenset()


def billed_people(people: Iterable[Person], *, once_per_group: bool) -> dict[str, int]:
    """How many people each customer pays for.

    Where a group counts everybody once, somebody who works for two of its companies counts for the first that names them.
    """
    seen: set[str] = set()
    counts: dict[str, int] = {}
    for person in people:
        counts.setdefault(person.customer, 0)
        key = person.address.casefold() if once_per_group else f"{person.customer}/{person.address.casefold()}"
        if person.active and person.licensed and not person.tags & NOT_PEOPLE and key not in seen:
            seen.add(key)
            counts[person.customer] += 1
    return counts


# --- reconciliation


class VarianceStatus(Enum):
    """What somebody made of a difference."""

    OPEN = "OPEN"
    """Nobody has looked at it."""
    ACCEPTED = "ACCEPTED"
    """The source is right: there is a change of quantity."""
    IGNORED = "IGNORED"
    """The contract is right."""
    FIXED = "FIXED"
    """The source has been put right."""


@dataclass(frozen=True, slots=True)
class Variance:
    """What a source counts and what we bill, where they differ; it never changes an invoice by itself."""

    source_quantity: Decimal
    billed_quantity: Decimal
    difference: Decimal
    monthly_impact: Decimal


def variance(
    source: Decimal, billed: Decimal, unit_price: Decimal, *, tolerance: Decimal = ZERO, months: int = 1
) -> Variance | None:
    """What differs, and what it costs in a month when `unit_price` is for so many months; None within the tolerance."""
    difference = source - billed
    if abs(difference) <= tolerance:
        return None
    impact = rounded(ratio(product(difference, unit_price), Decimal(months)))
    return Variance(source, billed, difference, impact)
