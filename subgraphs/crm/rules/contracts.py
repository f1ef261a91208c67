"""What is true about contracts, with no I/O: the way from draft to end, and how lines and coverage look.

    createContract ─► DRAFT ──submitContract──► PENDING_SIGNATURE
                        │ │                        │       │
                        │ └────── activateContract ┘       │
                        └────────┬─────────────────────────┤ cancelContract
                                 ▼                         ▼
          suspend ┌──────── ACTIVE ──────┐             CANCELLED
                  ▼           ▲          │ giveNotice
              SUSPENDED ──────┘ resume   ▼
                                    NOTICE_GIVEN ──► ENDED      endContract, or the day after its last

A draft may be rewritten; from the day of activation on, contents only change by amendments that say from when on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

from subgraphs.crm.errors import ContractIncomplete, ContractInForce, ContractTerm, ContractWrongStatus
from subgraphs.kit.errors import Invalid

MOST_LINES = 200
MOST_RULES = 100
MOST_TIERS = 20


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
    """It is being written; only staff see it."""
    PENDING_SIGNATURE = "PENDING_SIGNATURE"
    """The customer has it, and has not signed."""
    ACTIVE = "ACTIVE"
    """It holds."""
    SUSPENDED = "SUSPENDED"
    """It holds, and rests."""
    NOTICE_GIVEN = "NOTICE_GIVEN"
    """It holds until its last day."""
    ENDED = "ENDED"
    """It held."""
    CANCELLED = "CANCELLED"
    """It never held."""


class ContractLineKind(Enum):
    """What a line of a contract is for."""

    RECURRING = "RECURRING"
    """Billed again and again."""
    ONE_TIME = "ONE_TIME"
    """Billed once, at the beginning."""
    PREPAID = "PREPAID"
    """Bought before it is used."""
    USAGE = "USAGE"
    """Billed as it was used."""


class QuantityMode(Enum):
    """Where the number of a line comes from."""

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


class Overage(Enum):
    """What happens to work that what was paid before does not cover."""

    BILL_RATE = "BILL_RATE"
    """It is billed at the rate of the contract."""
    BLOCK = "BLOCK"
    """It is held until more was paid."""
    AUTO_REPLENISH = "AUTO_REPLENISH"
    """Another block of the same size is bought."""


class IndexationType(Enum):
    """How the prices of a contract follow the times."""

    NONE = "NONE"
    """They stay."""
    FIXED_PERCENT = "FIXED_PERCENT"
    """By the same percentage each year."""
    CONSUMER_PRICES = "CONSUMER_PRICES"
    """As the index of consumer prices does."""


class NoticeBy(Enum):
    """Who ends a contract."""

    CUSTOMER = "CUSTOMER"
    """The customer."""
    PROVIDER = "PROVIDER"
    """We."""


# --- moves

S = ContractStatus

MOVES: Mapping[str, tuple[frozenset[ContractStatus], ContractStatus]] = MappingProxyType(
    {
        "submitContract": (frozenset({S.DRAFT}), S.PENDING_SIGNATURE),
        "activateContract": (frozenset({S.DRAFT, S.PENDING_SIGNATURE}), S.ACTIVE),
        "suspendContract": (frozenset({S.ACTIVE}), S.SUSPENDED),
        "resumeContract": (frozenset({S.SUSPENDED}), S.ACTIVE),
        "giveNotice": (frozenset({S.ACTIVE}), S.NOTICE_GIVEN),
        "endContract": (frozenset({S.NOTICE_GIVEN}), S.ENDED),
        "cancelContract": (frozenset({S.DRAFT, S.PENDING_SIGNATURE}), S.CANCELLED),
    }
)
"""From which statuses each command leads, and where to."""

IN_FORCE = frozenset({S.ACTIVE, S.NOTICE_GIVEN})
"""Whoever amends or renews a contract needs one that holds."""

ALWAYS_FREE = frozenset({"title", "custom_fields", "po_number"})
"""What may be changed of a contract that holds, because nothing depends on it."""


def moved(command: str, before: ContractStatus) -> ContractStatus:
    """The status after a command; raises `ContractWrongStatus` when it leads nowhere from here."""
    origins, to = MOVES[command]
    if before not in origins:
        names = " or ".join(status.value for status in ContractStatus if status in origins)
        raise ContractWrongStatus(
            f"{command} is for contracts that are {names}; this one is {before.value}.", field="id"
        )
    return to


def check_rewriting(status: ContractStatus, names: Sequence[str]) -> None:
    """Raise `ContractInForce` when a contract that is no draft should be rewritten in more than its title."""
    bound = [name for name in names if name not in ALWAYS_FREE]
    if status is not S.DRAFT and bound:
        raise ContractInForce("Only a draft can be rewritten; use amendContract for what holds.", field="id")


def check_amending(status: ContractStatus, *, effective: date, earliest: date, last: date | None) -> None:
    """Raise when a contract cannot be amended, or not from this day on: a period that may be billed already stays."""
    if status not in IN_FORCE:
        raise ContractWrongStatus(f"Only a contract that holds can be amended; this one is {status.value}.", field="id")
    if effective < earliest:
        raise ContractTerm(f"Earlier periods are billed: amend from {earliest} on, or later.", field="effectiveDate")
    if last is not None and effective > last:
        raise ContractTerm(f"The contract ends with {last}.", field="effectiveDate")


def check_complete(*, lines: int, kind: ContractType) -> None:
    """Raise `ContractIncomplete` when there is nothing in it that could hold."""
    if not lines and kind is not ContractType.TIME_AND_MATERIAL:
        raise ContractIncomplete("A contract needs lines before it can hold.", field="id")


def check_term(
    *, start: date, end: date | None, auto_renew: bool, renewal_months: int | None, notice_months: int | None
) -> None:
    """Raise `Invalid` when the dates of a contract make no sense together."""
    if end is not None and end < start:
        raise Invalid("A contract can't end before it starts.", field="endDate")
    if auto_renew and (end is None or not renewal_months):
        raise Invalid("What renews itself needs a term, and months to renew for.", field="autoRenew")
    if notice_months is not None and not 0 <= notice_months <= 36:
        raise Invalid("noticeMonths must be between 0 and 36.", field="noticeMonths")


def months(value: int | None, *, field: str) -> int | None:
    """A number of months, or none."""
    if value is not None and not 1 <= value <= 120:
        raise Invalid(f"{field} must be between 1 and 120.", field=field)
    return value


def anchor_day(value: int | None, *, field: str) -> int | None:
    """A day of the month, or none."""
    if value is not None and not 1 <= value <= 31:
        raise Invalid(f"{field} must be between 1 and 31.", field=field)
    return value


def priority(value: int | None, *, field: str) -> int:
    """Which contract comes first when several could cover: the lowest."""
    if value is None or not 0 <= value <= 1000:
        raise Invalid(f"{field} must be between 0 and 1000.", field=field)
    return value


# --- numbers

_PLACES = {"quantity": Decimal("0.0001"), "price": Decimal("0.0001"), "percent": Decimal("0.01")}
_MOST = {"quantity": Decimal(10) ** 8, "price": Decimal(10) ** 10, "percent": Decimal(1000)}


def quantity(value: Decimal, *, field: str) -> Decimal:
    """A number of things, to four places, not below zero."""
    return _within(value, "quantity", field)


def price(value: Decimal, *, field: str) -> Decimal:
    """The price of one, to four places, not below zero."""
    return _within(value, "price", field)


def percent(value: Decimal, *, field: str, most: int = 100) -> Decimal:
    """A percentage, to two places."""
    found = _within(value, "percent", field)
    if found > most:
        raise Invalid(f"{field} may be at most {most}.", field=field)
    return found


def _within(value: Decimal, what: str, field: str) -> Decimal:
    if not value.is_finite() or not 0 <= value < _MOST[what]:
        raise Invalid(f"{field} must be a number from 0 to below {_MOST[what]}.", field=field)
    return value.quantize(_PLACES[what], ROUND_HALF_UP)


# --- lines


@dataclass(frozen=True, slots=True)
class Tier:
    """From so many on, each costs this."""

    from_quantity: Decimal
    unit_price: Decimal

    def stored(self) -> dict[str, str]:
        """As it is kept."""
        return {"from_quantity": str(self.from_quantity), "unit_price": str(self.unit_price)}


def tiers(entered: Sequence[tuple[Decimal, Decimal]], *, field: str) -> tuple[Tier, ...]:
    """The price steps of a line, the smallest quantity first; each quantity once."""
    found = sorted((quantity(start, field=field), price(each, field=field)) for start, each in entered)
    if len(found) > MOST_TIERS or len({start for start, _ in found}) != len(found):
        raise Invalid(f"{field} may be at most {MOST_TIERS} steps, each from another quantity on.", field=field)
    return tuple(Tier(start, each) for start, each in found)


def tier_price(steps: Sequence[Tier], count: Decimal, plain: Decimal) -> Decimal:
    """What each costs when there are so many: the price of the highest step that is reached, for all of them."""
    reached = [step.unit_price for step in steps if step.from_quantity <= count]
    return reached[-1] if reached else plain


def bounded(count: Decimal, *, least: Decimal | None, most: Decimal | None) -> Decimal:
    """A number within what was agreed at least and at most."""
    count = count if least is None else max(count, least)
    return count if most is None else min(count, most)


def check_line(*, start: date, end: date | None, least: Decimal | None, most: Decimal | None) -> None:
    """Raise `Invalid` when the bounds of a line make no sense together."""
    if end is not None and end < start:
        raise Invalid("A line can't end before it begins.", field="validTo")
    if least is not None and most is not None and most < least:
        raise Invalid("maxQuantity is below minQuantity.", field="maxQuantity")


# --- coverage


def coverage(entered: Sequence[Mapping[str, Any]], *, field: str) -> list[dict[str, Any]]:
    """Rules of coverage as they are stored; a dimension that is empty means any."""
    if len(entered) > MOST_RULES:
        raise Invalid(f"{field} may be at most {MOST_RULES} rules.", field=field)
    return [
        {
            "effect": one["effect"].value,
            "work_types": _words(one.get("work_types"), field),
            "ticket_types": _words(one.get("ticket_types"), field),
            "asset_types": _words(one.get("asset_types"), field),
            "site_ids": [str(site) for site in one.get("site_ids") or ()],
            "calendar_part": one["calendar_part"].value,
        }
        for one in entered
    ]


def _words(value: Sequence[str] | None, field: str) -> list[str]:
    words = list(dict.fromkeys(" ".join(word.split()) for word in value or ()))
    if len(words) > MOST_RULES or any(not 1 <= len(word) <= 100 for word in words):
        raise Invalid(f"The names in {field} must have 1 to 100 characters.", field=field)
    return words
