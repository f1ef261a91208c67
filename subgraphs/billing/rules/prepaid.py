"""Balances that were paid before: hours, money or tickets, in blocks that may expire.

There is nothing but a ledger: what remains is the sum of the movements, and nobody writes it down. What is used is taken from the
block that expires first, and of those that expire together from the one that was bought first:

    5 h, until 30 June ─┐
                        ├── 6 h used in May ──►  5 h from the first, 1 h from the second
    10 h, until 31 Dec ─┘

What no block can give is overage, and becomes a billable item. What is left when a block expires is taken out by a movement, so
that no balance is ever negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from uuid import UUID

from subgraphs.billing.rules.contracts import ContractType
from subgraphs.billing.rules.money import ZERO, product

LOW = Decimal("0.20")
"""Below this part of what was bought, a balance is low."""


class PrepaidUnit(Enum):
    """What a balance counts."""

    HOURS = "HOURS"
    """Hours of work."""
    MONEY = "MONEY"
    """Money."""
    TICKETS = "TICKETS"
    """Tickets that were resolved."""


UNITS: Mapping[ContractType, PrepaidUnit] = MappingProxyType(
    {
        ContractType.BLOCK_HOURS: PrepaidUnit.HOURS,
        ContractType.RETAINER: PrepaidUnit.MONEY,
        ContractType.PER_TICKET: PrepaidUnit.TICKETS,
    }
)
"""What contracts count that are paid before."""


class MovementKind(Enum):
    """Why a balance changed."""

    PURCHASE = "PURCHASE"
    """Somebody bought it."""
    CONSUME = "CONSUME"
    """Work was taken from it."""
    EXPIRE = "EXPIRE"
    """Its time was up."""
    REFUND = "REFUND"
    """It was given back."""
    ADJUST = "ADJUST"
    """Somebody put it right, and said why."""


class Overage(Enum):
    """What happens to work that a balance can't pay."""

    BILL_RATE = "BILL_RATE"
    """It is billed at the rate of the contract."""
    BLOCK = "BLOCK"
    """It is held: the balance has to be filled first."""
    AUTO_REPLENISH = "AUTO_REPLENISH"
    """Another block of the same size is bought."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was bought at once, and what is left of it."""

    id: UUID
    bought_on: date
    purchased: Decimal
    remaining: Decimal
    expires_on: date | None = None
    """The last day on which it can be used."""

    def usable_on(self, day: date) -> bool:
        """Whether something can be taken from it on a day."""
        return self.remaining > 0 and self.bought_on <= day and (self.expires_on is None or day <= self.expires_on)

    @property
    def order(self) -> tuple[date, date, UUID]:
        """First what expires first, then what was bought first."""
        return (self.expires_on or date.max, self.bought_on, self.id)


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of one block; negative when something goes out."""

    block: UUID
    kind: MovementKind
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Consumption:
    """What was taken from which block, and what none could give."""

    movements: tuple[Movement, ...]
    overage: Decimal
    low: bool
    """This made the balance low, which it was not before."""
    exhausted: bool
    """This used up the last of it."""

    @property
    def consumed(self) -> Decimal:
        """What the blocks gave."""
        return -sum((movement.quantity for movement in self.movements), ZERO)


def consume(blocks: Sequence[Block], quantity: Decimal, on: date) -> Consumption:
    """Take so much on a day, from the blocks that can be used then."""
    usable = sorted((block for block in blocks if block.usable_on(on)), key=lambda block: block.order)
    movements, wanted = [], quantity
    for block in usable:
        taken = min(wanted, block.remaining)
        if taken > 0:
            movements.append(Movement(block.id, MovementKind.CONSUME, -taken))
            wanted -= taken
    before = sum((block.remaining for block in usable), ZERO)
    after = before - (quantity - wanted)
    threshold = product(LOW, sum((block.purchased for block in usable), ZERO))
    low = after <= threshold < before
    return Consumption(tuple(movements), wanted, low=low, exhausted=before > 0 and after == 0)


def expired(blocks: Iterable[Block], on: date) -> tuple[Movement, ...]:
    """The movements that take out what is left of blocks whose last day has passed."""
    return tuple(
        Movement(block.id, MovementKind.EXPIRE, -block.remaining)
        for block in blocks
        if block.remaining > 0 and block.expires_on is not None and block.expires_on < on
    )
