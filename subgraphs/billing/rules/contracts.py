"""What billing has to know of a contract: what was agreed, as data.

crm is where contracts are made. Billing keeps what it was told, and decides from that what is covered and what recurs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from uuid import UUID


class ContractType(Enum):
    """How a contract is paid for."""

    TIME_AND_MATERIAL = "TIME_AND_MATERIAL"
    """Every hour at the rate card."""
    BLOCK_HOURS = "BLOCK_HOURS"
    """Hours that were bought before."""
    RETAINER = "RETAINER"
    """Money that was paid before."""
    FLAT_RATE = "FLAT_RATE"
    """Everything for a fixed fee."""
    PER_DEVICE = "PER_DEVICE"
    """So much for each device."""
    PER_USER = "PER_USER"
    """So much for each user."""
    FIXED_PRICE = "FIXED_PRICE"
    """A price for the whole, paid in milestones."""
    PER_TICKET = "PER_TICKET"
    """Tickets that were bought before."""
    USAGE = "USAGE"
    """So much for each unit that was used."""


class ContractStatus(Enum):
    """Where a contract is between draft and end."""

    DRAFT = "DRAFT"
    """Nobody has signed it."""
    PENDING_SIGNATURE = "PENDING_SIGNATURE"
    """The customer has it."""
    ACTIVE = "ACTIVE"
    """It holds."""
    SUSPENDED = "SUSPENDED"
    """It holds, and rests."""
    NOTICE_GIVEN = "NOTICE_GIVEN"
    """It holds until its end."""
    ENDED = "ENDED"
    """It held."""
    CANCELLED = "CANCELLED"
    """It never held."""


class LineKind(Enum):
    """What a line of a contract is for."""

    RECURRING = "RECURRING"
    """Billed again and again."""
    ONE_TIME = "ONE_TIME"
    """Billed once, at the beginning."""
    PREPAID = "PREPAID"
    """Bought before it is used."""
    USAGE = "USAGE"
    """Billed as it was used: by items that say how much."""


IN_FORCE = frozenset({ContractStatus.ACTIVE, ContractStatus.NOTICE_GIVEN, ContractStatus.ENDED})
"""An ended contract still pays for what was done while it held."""


class CalendarPart(Enum):
    """When in the week work was done."""

    BUSINESS = "BUSINESS"
    """Within business hours."""
    AFTER_HOURS = "AFTER_HOURS"
    """Outside of them."""
    ANY = "ANY"
    """Whenever."""


class RuleEffect(Enum):
    """What a rule of a contract says of work that it matches."""

    COVERED = "COVERED"
    """It is paid with the contract."""
    BILLABLE = "BILLABLE"
    """It is billed under the contract, at its rates."""
    EXCLUDED = "EXCLUDED"
    """This contract has nothing to do with it."""
    COVERED_UNTIL_HOURS = "COVERED_UNTIL_HOURS"
    """It is paid with the contract until its hours are used up, and billed from then on."""


@dataclass(frozen=True, slots=True)
class CoverageRule:
    """Which work a contract speaks about, and what it says; an empty dimension means any."""

    id: UUID
    effect: RuleEffect
    work_types: frozenset[str] = frozenset()
    ticket_types: frozenset[str] = frozenset()
    asset_types: frozenset[str] = frozenset()
    site_ids: frozenset[UUID] = frozenset()
    calendar_part: CalendarPart = CalendarPart.ANY

    @property
    def specificity(self) -> int:
        """How many dimensions it names."""
        named = (self.work_types, self.ticket_types, self.asset_types, self.site_ids)
        return sum(map(bool, named)) + (self.calendar_part is not CalendarPart.ANY)


@dataclass(frozen=True, slots=True)
class Pause:
    """The days on which a contract rests: from `start`, until the day before `end`."""

    start: date
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


def pauses_after(known: tuple[Pause, ...], status: ContractStatus, *, since: date) -> tuple[Pause, ...]:
    """The pauses of a contract that has this status since a day: the last one begins with it, goes on, or has its end."""
    open_one = known[-1] if known and known[-1].end is None else None
    if status is ContractStatus.SUSPENDED:
        return known if open_one else (*known, Pause(since))
    return (*known[:-1], Pause(open_one.start, max(since, open_one.start))) if open_one else known


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed, as far as it decides who pays."""

    id: UUID
    title: str
    type: ContractType
    status: ContractStatus
    start: date
    end: date | None = None
    """The last day on which it holds."""
    priority: int = 100
    """The lower comes first."""
    rules: tuple[CoverageRule, ...] = ()
    assets: frozenset[UUID] = field(default=frozenset())
    """The assets that its lines cover."""
    included_hours: Decimal | None = None
    hourly_rate: Decimal | None = None
    """What an hour costs beyond what is included."""
    pauses: tuple[Pause, ...] = ()
    """When it rested, or rests."""

    def holds_on(self, day: date) -> bool:
        """Whether it was in force on a day; its last day counts, and a contract that rests held before it did."""
        signed = self.status in IN_FORCE or (self.status is ContractStatus.SUSPENDED and bool(self.pauses))
        lasts = self.start <= day and (self.end is None or day <= self.end)
        return signed and lasts and not any(day in pause for pause in self.pauses)
