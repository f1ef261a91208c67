"""Which documents somebody meant who paid: those whose numbers stand in what they wrote.

    "Rg. RE 2026/000124 und RE-2026-000131"  ──►  letters and digits alone: rgre2026000124undre2026000131
                                                   holds re2026000124, re2026000131

People write numbers with blanks, slashes or without their dashes, so both sides are compared by letters and digits alone. Nobody
guesses: without a number, or with numbers of two customers, somebody has to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from uuid import UUID

from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.numbering import Series
from subgraphs.billing.rules.payments import Wanted


class BankEntryStatus(Enum):
    """What became of money that the bank told of."""

    MATCHED = "MATCHED"
    """It is a payment of a customer."""
    UNMATCHED = "UNMATCHED"
    """Somebody has to say whose it is."""
    IGNORED = "IGNORED"
    """It is nothing that a customer owed us."""


@dataclass(frozen=True, slots=True)
class Open:
    """A document of which something is open."""

    id: UUID
    customer_id: UUID
    number: str
    amount: Decimal
    skonto: tuple[Decimal, ...] = ()
    """What may be taken off on the day of payment."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whose money it is and what it pays, or why nobody knows."""

    customer_id: UUID | None = None
    wanted: tuple[Wanted, ...] = ()
    reason: str | None = None


def bare(text: str) -> str:
    """A text by its letters and digits alone."""
    return "".join(one for one in text.casefold() if one.isalnum())


def numbers_in(texts: Iterable[str], known: Iterable[tuple[Series, int]]) -> frozenset[str]:
    """The numbers that may stand in these texts, of series whose next place is known: where to look, not yet what was meant."""
    every = [(re.compile(re.escape(bare(f"{one.prefix}{one.year}")) + r"(\d+)"), one, after) for one, after in known]
    found: set[str] = set()
    for text in map(bare, texts):
        for pattern, series, after in every:
            longest = max(series.padding, len(str(after)))
            for digits in pattern.findall(text):
                # What was written behind it may be digits, too: the number ends with one of its lengths.
                widths = range(series.padding, min(longest, len(digits)) + 1)
                places = {int(digits[:width]) for width in widths}
                found |= {series.number(place) for place in places if 0 < place < after}
    return frozenset(found)


def match(text: str, amount: Decimal, documents: Sequence[Open]) -> Match:
    """Find what was paid; `documents` are open, in the order in which they fell due."""
    written = bare(text)
    meant = [one for one in documents if bare(one.number) in written]
    if not meant:
        return Match(reason="NO_NUMBER")
    if len({one.customer_id for one in meant}) > 1:
        return Match(reason="SEVERAL_CUSTOMERS")
    if not any(one.amount for one in meant):
        return Match(reason="PAID_BEFORE")
    return Match(meant[0].customer_id, _paid(amount, meant))


def _paid(amount: Decimal, meant: Sequence[Open]) -> tuple[Wanted, ...]:
    """The documents in their order until the money is spent; what is missing may be what was taken off for paying early."""
    if len(meant) == 1:
        one = meant[0]
        off = next((less for less in one.skonto if amount == one.amount - less), None)
        if off is not None:
            return (Wanted(one.id, amount, off),)
    found, left = [], amount
    for one in meant:
        part = min(left, one.amount)
        if part > ZERO:
            found.append(Wanted(one.id, part))
            left -= part
    return tuple(found)
