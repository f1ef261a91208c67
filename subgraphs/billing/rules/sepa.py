"""Taking money from customers' accounts (SEPA direct debit): mandates, the day of collection, and what may be collected.

    invoice says so ──14 days──► due ──► next day on which banks work ──► collected
    (prenotification)                     ▲ the bank has the file a banking day before

A mandate is what the customer signed. The core scheme is for everybody and is taken back within eight weeks without a reason; the
business scheme (B2B) is for companies alone, who give up that right. The first debit of a mandate is FRST, those after it are RCUR. A
mandate that was not used for 36 months has lapsed. The banks' days are those of TARGET: no weekends, and six holidays of the year.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Final
from uuid import UUID

import holidays

from subgraphs.billing.rules.dunning import EURO
from subgraphs.billing.rules.invoices import CLAIMS, InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.periods import plus_months
from subgraphs.kit.errors import Invalid

PRENOTIFICATION_DAYS: Final = 14
"""How long before the day of collection somebody is told, unless something shorter was agreed."""

LEAD_DAYS: Final = 1
"""How many banking days before the collection the bank has the file."""

LAPSES_AFTER_MONTHS: Final = 36

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_REFERENCE: Final = re.compile(r"[A-Za-z0-9+?/:().,'-]{1,35}")
_CREDITOR: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{3}[A-Z0-9]{1,28}")
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
_SPELLED: Final = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "&": "+", "ø": "oe", "Ø": "Oe", "æ": "ae",
        "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    }
)  # fmt: skip


class MandateType(Enum):
    """Under which scheme a mandate was given."""

    CORE = "CORE"
    """For everybody; taken back within eight weeks without a reason."""
    B2B = "B2B"
    """Between businesses; not taken back, and their bank has to know the mandate."""


class MandateStatus(Enum):
    """Whether a mandate holds."""

    ACTIVE = "ACTIVE"
    """It holds."""
    REVOKED = "REVOKED"
    """The customer took it back, or another one took its place."""


class SequenceType(Enum):
    """Which debit of a mandate it is."""

    FRST = "FRST"
    """The first one."""
    RCUR = "RCUR"
    """One of those after it."""


class BatchStatus(Enum):
    """What became of a file of direct debits."""

    CREATED = "CREATED"
    """It is there for the bank."""
    BOOKED = "BOOKED"
    """The money came in."""
    CANCELLED = "CANCELLED"
    """It was not handed in."""


class NotCollected(Enum):
    """Why a document is not collected."""

    NO_MANDATE = "NO_MANDATE"
    OTHER_SCHEME = "OTHER_SCHEME"
    MANDATE_LAPSED = "MANDATE_LAPSED"
    NOT_OPEN = "NOT_OPEN"
    NOT_EUROS = "NOT_EUROS"
    DISPUTED = "DISPUTED"
    IN_A_BATCH = "IN_A_BATCH"
    NOT_DUE = "NOT_DUE"
    NOT_YET_TOLD = "NOT_YET_TOLD"


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a customer signed, as far as collecting depends on it."""

    id: UUID
    type: MandateType
    signed_on: date
    last_used_on: date | None = None
    prenotification_days: int = PRENOTIFICATION_DAYS


@dataclass(frozen=True, slots=True)
class Due:
    """A document, as far as collecting depends on it."""

    id: UUID
    kind: InvoiceKind
    status: InvoiceStatus
    currency: str
    open_amount: Decimal
    due: date
    told_on: date | None
    """When the customer was told of the debit: the date of a document that names the mandate."""
    disputed: bool = False
    in_a_batch: bool = False


@dataclass(frozen=True, slots=True)
class Debit:
    """So much is taken from an account."""

    document: Due
    mandate: Mandate
    sequence: SequenceType


# --- days


def is_banking_day(day: date) -> bool:
    """Whether banks in the euro area move money on a day."""
    return day.weekday() < _SATURDAY and day not in _closed(day.year)


@cache
def _closed(year: int) -> frozenset[date]:
    """The holidays of TARGET; the calendar names those of the next year, too, that it moves into this one."""
    return frozenset(day for day in holidays.financial_holidays("XECB", years=year) if day.year == year)


def next_banking_day(day: date) -> date:
    """The day itself, or the first one after it on which banks work."""
    while not is_banking_day(day):
        day += _DAY
    return day


def earliest(today: date) -> date:
    """The first day of collection for a file of today."""
    day = next_banking_day(today)
    for _ in range(LEAD_DAYS):
        day = next_banking_day(day + _DAY)
    return day


def collection_day(wanted: date | None, today: date) -> date:
    """The day on which money is taken; raises `Invalid` for one on which banks don't work, or that is too near."""
    first = earliest(today)
    if wanted is None:
        return first
    if wanted < first:
        raise Invalid(
            f"The bank needs the file a banking day before: {first} is the first day.", field="collectionDate"
        )
    if wanted > today + timedelta(days=365):
        raise Invalid("Money is collected within a year.", field="collectionDate")
    if not is_banking_day(wanted):
        after = next_banking_day(wanted)
        raise Invalid(f"Banks don't move money on that day; the next one is {after}.", field="collectionDate")
    return wanted


def told_until(told_on: date, mandate: Mandate) -> date:
    """The first day of collection when somebody was told on a day."""
    return next_banking_day(told_on + timedelta(days=mandate.prenotification_days))


# --- what may be collected


def lapsed(mandate: Mandate, on: date) -> bool:
    """Whether a mandate was not used for so long that it no longer holds."""
    return on > plus_months(mandate.last_used_on or mandate.signed_on, LAPSES_AFTER_MONTHS)


def debit(document: Due, mandate: Mandate | None, scheme: MandateType, on: date) -> Debit | NotCollected:
    """What is taken for a document on a day, or why nothing is."""
    if mandate is None:
        return NotCollected.NO_MANDATE
    reason = _unfit(mandate, scheme, on) or _kept_back(document) or _too_soon(document, mandate, on)
    return reason or Debit(document, mandate, SequenceType.RCUR if mandate.last_used_on else SequenceType.FRST)


def _unfit(mandate: Mandate, scheme: MandateType, on: date) -> NotCollected | None:
    if mandate.type is not scheme:
        return NotCollected.OTHER_SCHEME
    return NotCollected.MANDATE_LAPSED if lapsed(mandate, on) else None


def _kept_back(document: Due) -> NotCollected | None:
    if document.status is not InvoiceStatus.ISSUED or document.kind not in CLAIMS or document.open_amount <= ZERO:
        return NotCollected.NOT_OPEN
    if document.currency != EURO:
        return NotCollected.NOT_EUROS
    if document.disputed:
        return NotCollected.DISPUTED
    return NotCollected.IN_A_BATCH if document.in_a_batch else None


def _too_soon(document: Due, mandate: Mandate, on: date) -> NotCollected | None:
    if next_banking_day(document.due) > on:
        return NotCollected.NOT_DUE
    told = document.told_on is not None and told_until(document.told_on, mandate) <= on
    return None if told else NotCollected.NOT_YET_TOLD


def first_once(debits: Iterable[Debit]) -> tuple[Debit, ...]:
    """The debits of a file: only the first of a new mandate is FRST."""
    seen: set[UUID] = set()
    found = []
    for one in debits:
        again = one.sequence is SequenceType.FRST and one.mandate.id in seen
        found.append(Debit(one.document, one.mandate, SequenceType.RCUR) if again else one)
        seen.add(one.mandate.id)
    return tuple(found)


def by_sequence(debits: Sequence[Debit]) -> tuple[tuple[SequenceType, tuple[Debit, ...]], ...]:
    """The debits in groups as the file has them: all of a group are first ones, or none is."""
    return tuple(
        (kind, some) for kind in SequenceType if (some := tuple(one for one in debits if one.sequence is kind))
    )


# --- how it looks


def mandate_reference(entered: str, *, field: str = "reference") -> str:
    """The reference of a mandate: at most 35 signs that every bank takes."""
    text = entered.strip()
    if not _REFERENCE.fullmatch(text):
        raise Invalid("A reference has 1 to 35 letters, digits or signs of + ? / : ( ) . , ' -", field=field)
    return text


def creditor_id(entered: str | None, *, field: str = "sepaCreditorId") -> str | None:
    """A creditor identifier whose check digits are right (ISO 7064, mod 97-10); the three signs of the branch don't count."""
    text = "".join((entered or "").split()).upper()
    if not text:
        return None
    if not _CREDITOR.fullmatch(text):
        raise Invalid("A creditor identifier looks like DE98ZZZ09999999999.", field=field)
    digits = "".join(str(int(one, 36)) for one in text[7:] + text[:4])
    if int(digits) % 97 != 1:
        raise Invalid("The check digits of this creditor identifier are wrong.", field=field)
    return text


def plain(text: str, longest: int) -> str:
    """A text in the letters that every bank takes."""
    latin = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    bare = "".join(one for one in latin if not unicodedata.combining(one))
    return " ".join(_FOREIGN.sub(" ", bare).split())[:longest].strip() or "-"
