"""What part of a period costs: quantity times price, by the days that count of the days of the period.

    2026-04  ├──────────┤████████████████████┤     five users from 11 April on
             1          11                  30     20 of 30 days

Calendar days count, and a change counts from its own day on. Blocks of hours are never prorated: the whole bucket is there on
day one. What a vendor was promised (`Commitment` that may not shrink) stays until the commitment ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from subgraphs.billing.rules.money import ONE, QUANTITY, UNIT_PRICE, ZERO, product, ratio, rounded
from subgraphs.billing.rules.periods import Period


class ProrationMode(Enum):
    """What a period costs of which only a part counts."""

    NONE = "NONE"
    """The whole price."""
    DAILY = "DAILY"
    """The price of the days that count."""
    FULL_FIRST = "FULL_FIRST"
    """The whole price for the first period, of the last one its days."""
    FREE_FIRST = "FREE_FIRST"
    """Nothing for a first period that is not whole, of the last one its days."""


def share(active: Period | None, period: Period) -> Decimal:
    """Which part of the period its active days are."""
    return ZERO if active is None else ratio(Decimal(active.days), Decimal(period.days))


def amount(quantity: Decimal, unit_price: Decimal, active: Period | None, period: Period) -> Decimal:
    """What so many cost for the active days of a period."""
    if active is None:
        return rounded(ZERO)
    return rounded(ratio(product(quantity, unit_price, Decimal(active.days)), Decimal(period.days)))


def factor(mode: ProrationMode, active: Period | None, period: Period) -> Decimal:
    """Which part of a period's price is asked for, when the line was there on its active days."""
    if active is None:
        return ZERO
    begins_late = active.start > period.start
    match mode:
        case ProrationMode.NONE:
            return ONE
        case ProrationMode.FULL_FIRST if begins_late:
            return ONE
        case ProrationMode.FREE_FIRST if begins_late:
            return ZERO
        case _:
            return share(active, period)


@dataclass(frozen=True, slots=True)
class Refund:
    """What was used of a prepaid period, and what goes back."""

    used_days: int
    used: Decimal
    credit: Decimal


def refund(price: Decimal, period: Period, *, terminated_on: date) -> Refund:
    """What a customer gets back who leaves a prepaid period, and whose contract says that they do.

    The day of termination is still used.
    """
    inside = Period(period.start, min(max(terminated_on + (period.end - period.last_day), period.start), period.end))
    used = rounded(ratio(product(price, Decimal(inside.days)), Decimal(period.days)))
    return Refund(inside.days, used, price - used)


@dataclass(frozen=True, slots=True)
class Commitment:
    """What was promised to a vendor: so much until that day."""

    until: date
    """The first day on which it no longer holds."""
    reducible: bool


def effective_from(wanted: date, delta: Decimal, commitment: Commitment | None) -> date:
    """The day from which a change of quantity counts: a decrease may have to wait for the end of a commitment."""
    if commitment is None or commitment.reducible or delta >= 0:
        return wanted
    return max(wanted, commitment.until)


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a price: from so many on, each costs so much."""

    from_quantity: Decimal
    unit_price: Decimal


def tier_price(tiers: Sequence[Tier], quantity: Decimal, otherwise: Decimal) -> Decimal:
    """What each costs when there are so many: the price of the highest step that is reached (volume pricing)."""
    reached = [tier for tier in tiers if tier.from_quantity <= quantity]
    return max(reached, key=lambda tier: tier.from_quantity).unit_price if reached else otherwise


def expressed(quantity: Decimal, unit_price: Decimal, part: Decimal) -> tuple[Decimal, Decimal]:
    """A quantity and a price whose rounded product is exactly what a part of a period costs.

    A line must multiply (quantity by price) to its own amount. So the quantity is cut down, or where that would be a cent off the
    price is; and where both would be, it is one piece at that amount.
    """
    wanted = rounded(product(quantity, unit_price, part))
    less = rounded(product(quantity, part), QUANTITY)
    if rounded(product(less, unit_price)) == wanted:
        return less, unit_price
    cheaper = rounded(product(unit_price, part), UNIT_PRICE)
    if rounded(product(quantity, cheaper)) == wanted:
        return quantity, cheaper
    return (ONE, wanted) if wanted >= 0 else (-ONE, -wanted)
