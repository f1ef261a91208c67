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

    def holds_on(self, day: date) -> bool:
        """Whether it was in force on a day; its last day counts."""
        return self.status in IN_FORCE and self.start <= day and (self.end is None or day <= self.end)
