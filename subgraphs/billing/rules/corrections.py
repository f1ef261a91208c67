"""What is put right of a period that was billed, when it turns out that a line ends earlier or later than was known then.

Every part of the period ends where it was billed to, or where its last correction has put that end. The days between there and
the new end are taken back, or asked for:

    billed          ├██████████████████████████████┤ 1,200.00 for 365 days
    ends now        ├───────────────┤               ► 165 days back: 1,200.00 less what 200 days cost, 657.53, is 542.47

What goes back is the rest of the amount, never a quotient of its own: used days and days that went back add up to the cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from subgraphs.billing.rules.money import ONE, QUANTITY, product, ratio, rounded
from subgraphs.billing.rules.periods import Period

_PARTS = 100_000
"""Corrections are numbered below 0, so that each says which part it is of: -1 - part - 100,000 for each one before it."""


@dataclass(frozen=True, slots=True)
class Before:
    """A part of a period as it was billed."""

    at: datetime
    active: Period
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """What it came to, before discounts."""
        return rounded(product(self.quantity, self.unit_price))


@dataclass(frozen=True, slots=True)
class Correction:
    """Days that go back (`quantity` has the other sign than what was billed), or that come in addition."""

    number: int
    active: Period
    quantity: Decimal
    unit_price: Decimal


def corrections(before: Mapping[int, Before], end: date) -> Iterator[Correction]:
    """What puts a billed period right that ends on the day before `end`."""
    for part in sorted(number for number in before if number >= 0):
        billed, mine = before[part], _of(part, before)
        known = _end(billed, mine)
        wanted = max(end, billed.active.start)
        if known != wanted and billed.amount:
            number = -1 - part - _PARTS * len(mine)
            yield _correction(number, billed, known, wanted)


def _of(part: int, before: Mapping[int, Before]) -> list[Before]:
    """The corrections of a part, oldest first: each has a smaller number than the one before it."""
    numbers = sorted((number for number in before if number < 0 and (-1 - number) % _PARTS == part), reverse=True)
    return [before[number] for number in numbers]


def _end(billed: Before, mine: list[Before]) -> date:
    """Until when a part is billed now."""
    if not mine:
        return billed.active.end
    last = mine[-1]
    went_back = (last.quantity < 0) != (billed.quantity < 0)
    return last.active.start if went_back else last.active.end


def _correction(number: int, billed: Before, known: date, wanted: date) -> Correction:
    active = Period(min(known, wanted), max(known, wanted))
    days = billed.active.days
    # A part that was billed until here costs by its days; the difference of two such sums is what changes.
    until_known, until_wanted = (
        _share(billed.amount, (day - billed.active.start).days, days) for day in (known, wanted)
    )
    quantity, unit_price = _expressed(
        billed, until_wanted - until_known, active.days if wanted > known else -active.days
    )
    return Correction(number, active, quantity, unit_price)


def _share(amount: Decimal, some: int, days: int) -> Decimal:
    return rounded(ratio(product(amount, Decimal(some)), Decimal(days)))


def _expressed(billed: Before, amount: Decimal, days: int) -> tuple[Decimal, Decimal]:
    """The amount as so many at the price that was billed where that is exact, otherwise as one piece."""
    some = rounded(ratio(product(billed.quantity, Decimal(days)), Decimal(billed.active.days)), QUANTITY)
    if rounded(product(some, billed.unit_price)) == amount:
        return some, billed.unit_price
    return (ONE, amount) if amount >= 0 else (-ONE, -amount)
