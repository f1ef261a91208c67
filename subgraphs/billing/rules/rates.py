"""What work costs: the rate card that applies, and the hours of it that cost more.

The card of the contract comes before the customer's, and that before the tenant's; within a card an entry that names the work
type and the role comes before one that names only one of them. After hours and at weekends the rate is multiplied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from subgraphs.billing.rules.money import ONE, QUANTITY, UNIT_PRICE, ZERO, product, ratio, rounded

MINUTES = Decimal(60)


class RateScope(Enum):
    """For whom a rate card is."""

    TENANT = "TENANT"
    """For everybody."""
    CUSTOMER = "CUSTOMER"
    """For one customer."""
    CONTRACT = "CONTRACT"
    """For one contract."""


_FIRST = {RateScope.CONTRACT: 0, RateScope.CUSTOMER: 1, RateScope.TENANT: 2}


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour of some work costs."""

    hourly_rate: Decimal
    work_type: str | None = None
    """For this work; None for any."""
    role: str | None = None
    """Done by somebody in this role; None for any."""
    multiplier_after_hours: Decimal = ONE
    multiplier_weekend: Decimal = ONE


@dataclass(frozen=True, slots=True)
class RateCard:
    """A list of rates, and whom it is for."""

    scope: RateScope
    rates: tuple[Rate, ...]


def rate_for(cards: Iterable[RateCard], *, work_type: str | None, role: str | None) -> Rate | None:
    """The rate that applies, or None when no card has one."""
    fitting = [
        (_FIRST[card.scope], -(rate.work_type is not None), -(rate.role is not None), place, rate)
        for card in cards
        for place, rate in enumerate(card.rates)
        if rate.work_type in (None, work_type) and rate.role in (None, role)
    ]
    return min(fitting, key=lambda one: one[:4])[4] if fitting else None


@dataclass(frozen=True, slots=True)
class Segment:
    """Minutes that cost the same."""

    minutes: Decimal
    multiplier: Decimal = ONE

    @property
    def hours(self) -> Decimal:
        """Its hours."""
        return ratio(self.minutes, MINUTES)


def segments(
    rate: Rate, *, minutes: int, after_hours: int = 0, weekend: int = 0, normal: Decimal = ONE
) -> tuple[Segment, ...]:
    """The minutes by what they are multiplied with; those after hours and at the weekend are part of `minutes`."""
    parts = (
        Segment(Decimal(minutes - after_hours - weekend), normal),
        Segment(Decimal(after_hours), rate.multiplier_after_hours),
        Segment(Decimal(weekend), rate.multiplier_weekend),
    )
    return tuple(part for part in parts if part.minutes > 0)


def price(parts: Iterable[Segment], hourly_rate: Decimal) -> Decimal:
    """What the segments cost together, each rounded to the cent: it is a line of its own."""
    return sum((rounded(product(part.hours, hourly_rate, part.multiplier)) for part in parts), ZERO)


def as_line(part: Segment, hourly_rate: Decimal) -> tuple[Decimal, Decimal]:
    """A segment as a line: so many hours, and what one costs, whose product to the cent is what the segment costs.

    A third of an hour has no end: 0.3333 hours at 187.50 would be 62.49, but twenty minutes are 62.50. There the price gives way.
    """
    hours, each = rounded(part.hours, QUANTITY), rounded(product(hourly_rate, part.multiplier), UNIT_PRICE)
    wanted = price([part], hourly_rate)
    if not hours or rounded(product(hours, each)) == wanted:
        return hours, each
    return hours, rounded(ratio(wanted, hours), UNIT_PRICE)


def weighted_hours(parts: Iterable[Segment]) -> Decimal:
    """The hours that are taken from a block: two after hours at 1.5 take three."""
    return rounded(sum((product(part.hours, part.multiplier) for part in parts), ZERO), UNIT_PRICE)


def beyond(parts: Iterable[Segment], covered_hours: Decimal) -> tuple[Segment, ...]:
    """What is left of the segments when their first hours are covered."""
    left = product(covered_hours, MINUTES)
    rest = []
    for part in parts:
        taken = min(left, part.minutes)
        left -= taken
        if part.minutes > taken:
            rest.append(Segment(part.minutes - taken, part.multiplier))
    return tuple(rest)
