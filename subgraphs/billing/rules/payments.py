"""What a payment pays: allocations to documents, and what of it nobody has claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from uuid import UUID

from subgraphs.billing.errors import OverAllocated
from subgraphs.billing.rules.money import ZERO


class PaymentMethod(Enum):
    """How money came in."""

    BANK_TRANSFER = "BANK_TRANSFER"
    """By transfer."""
    DIRECT_DEBIT = "DIRECT_DEBIT"
    """We took it from their account."""
    CARD = "CARD"
    """By card."""
    CASH = "CASH"
    """In cash."""
    OTHER = "OTHER"
    """Some other way."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """So much of a payment for a document, and so much taken off for paying early."""

    invoice_id: UUID
    amount: Decimal
    skonto: Decimal = ZERO


def check(wanted: Sequence[Wanted], *, available: Decimal, open_of: dict[UUID, Decimal]) -> Decimal:
    """What is left of a payment; raises `OverAllocated` when there is not so much of it, or not so much open."""
    for one in wanted:
        if one.amount <= 0 or one.skonto < 0:
            raise OverAllocated("An allocation must be more than nothing.", field="allocations")
        if one.amount + one.skonto > open_of[one.invoice_id]:
            raise OverAllocated(
                f"Only {open_of[one.invoice_id]} of this document is open, not {one.amount + one.skonto}.",
                field="allocations",
            )
    left = available - sum((one.amount for one in wanted), ZERO)
    if left < 0:
        raise OverAllocated(f"Only {available} of this payment is left.", field="allocations")
    return left


def oldest_first(amount: Decimal, opened: Sequence[tuple[UUID, Decimal]]) -> tuple[Wanted, ...]:
    """Allocate a payment to open documents in the order given, until nothing is left of it."""
    found, left = [], amount
    for invoice, open_amount in opened:
        part = min(left, open_amount)
        if part > 0:
            found.append(Wanted(invoice, part))
            left -= part
    return tuple(found)
