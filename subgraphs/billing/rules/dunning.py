"""Asking for money that is late: who is asked, how urgently, and what it costs them.

    due ──7──► reminder (0) ──14──► 1 ──14──► 2 ──14──► last (3) ──► hand-over
               no fee

Levels are counted per document and none is skipped; between two letters there are at least seven days. A customer gets one letter
for everything that is late, at the highest level of its documents, while each document keeps its own level. Francs and euros have
no sum, so there is a letter for each currency; what policy and law set in euros is asked for in the letter's currency, at the
rate that the document was issued with.

Interest by law is the base rate of the central bank plus nine points between businesses, five points for a consumer, for each day
of default; the day of payment no longer counts. The base rate changes in January and July, so a claim may have several rates.

Who is owed writes: claims of two companies of one tenant are never in one letter. And nobody is late before the day after the last
one on which a payment is in time, whatever the levels say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from uuid import UUID

from subgraphs.billing.rules.invoices import CLAIMS, InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.money import HUNDRED, ONE, ZERO, product, ratio, rounded

EURO = "EUR"
Account = tuple[UUID, str]
"""A customer and a currency: what is owed in one is not paid with the other."""

FLAT_FEE = Decimal("40.00")
"""What a late payer who is no consumer owes once per claim, in euros (§ 288 (5) BGB)."""

BUSINESS_POINTS = Decimal(9)
CONSUMER_POINTS = Decimal(5)
DAYS_OF_A_YEAR = Decimal(365)
PAYMENTS_NOT_OLDER_THAN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The central bank's base rate from a day on, in percent."""

    valid_from: date
    percent: Decimal


_HALF_YEARS = (
    # 1 January, 1 July, as the Bundesbank announced them (§ 247 BGB); claims of older years may still be open.
    (2013, "-0.13", "-0.38"), (2014, "-0.63", "-0.73"), (2015, "-0.83", "-0.83"), (2016, "-0.83", "-0.88"),
    (2017, "-0.88", "-0.88"), (2018, "-0.88", "-0.88"), (2019, "-0.88", "-0.88"), (2020, "-0.88", "-0.88"),
    (2021, "-0.88", "-0.88"), (2022, "-0.88", "-0.88"), (2023, "1.62", "3.12"), (2024, "3.62", "3.37"),
    (2025, "2.27", "1.27"),
)  # fmt: skip

DEFAULT_BASE_RATES = (
    *(
        BaseRate(date(year, month, 1), Decimal(percent))
        for year, *halves in _HALF_YEARS
        for month, percent in zip((1, 7), halves, strict=True)
    ),
    BaseRate(date(2026, 1, 1), Decimal("1.27")),
)
"""What everybody knows; the next ones are entered with `setBaseRate`."""


@dataclass(frozen=True, slots=True)
class Level:
    """How urgently somebody is asked."""

    level: int
    days_after_due: int
    fee: Decimal = ZERO
    """In euros."""
    interest: bool = False
    flat_fee: bool = False
    """From this level on, the flat fee of 40 euros is asked for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When and how a tenant asks."""

    levels: tuple[Level, ...]
    min_amount: Decimal = Decimal("5.00")
    """In euros."""
    days_between: int = 7


DEFAULT_POLICY = Policy(
    (
        Level(0, 7),
        Level(1, 21, interest=True, flat_fee=True),
        Level(2, 35, interest=True, flat_fee=True),
        Level(3, 49, interest=True, flat_fee=True),
    )
)


class NotDunned(Enum):
    """Why a document that is late is left alone."""

    NOT_ISSUED = "NOT_ISSUED"
    NO_CLAIM = "NO_CLAIM"
    TOO_SMALL = "TOO_SMALL"
    DISPUTED = "DISPUTED"
    BLOCKED = "BLOCKED"
    BEING_COLLECTED = "BEING_COLLECTED"
    COVERED_BY_CREDIT = "COVERED_BY_CREDIT"
    NOT_YET = "NOT_YET"
    TOO_SOON = "TOO_SOON"
    LAST_LEVEL = "LAST_LEVEL"


@dataclass(frozen=True, slots=True)
class Claim:
    """A document, as far as dunning depends on it."""

    id: UUID
    customer_id: UUID
    kind: InvoiceKind
    status: InvoiceStatus
    due: date
    open_amount: Decimal
    currency: str = EURO
    exchange_rate: Decimal = ONE
    """How much of the currency a euro was when the document was issued."""
    level: int | None = None
    """The last level that was sent; None when nobody has asked yet."""
    last_notice: date | None = None
    disputed: bool = False
    blocked_until: date | None = None
    customer_blocked: bool = False
    being_collected: bool = False
    """It is in a file of direct debits that waits."""
    flat_fee_charged: bool = False
    in_time_until: date | None = None
    """The last day on which a payment is in time, where that is later than the day on which it is due."""
    creditor: UUID | None = None
    """Whose claim it is: the company that sold."""

    @property
    def late_since(self) -> date:
        """The first day of default."""
        return (self.in_time_until or self.due) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A document and the level to which it goes up."""

    claim: Claim
    level: Level


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to one customer about everything that is late in one currency."""

    customer_id: UUID
    currency: str
    level: int
    steps: tuple[Step, ...]
    creditor: UUID | None = None
    """Who writes."""


def next_step(claim: Claim, policy: Policy, today: date) -> Step | NotDunned:
    """The level to which a document goes up today, or why it does not."""
    if claim.status is not InvoiceStatus.ISSUED:
        return NotDunned.NOT_ISSUED
    if claim.kind not in CLAIMS:
        return NotDunned.NO_CLAIM
    if claim.open_amount < in_currency_of(claim, policy.min_amount):
        return NotDunned.TOO_SMALL
    if claim.disputed:
        return NotDunned.DISPUTED
    if claim.customer_blocked or (claim.blocked_until is not None and today <= claim.blocked_until):
        return NotDunned.BLOCKED
    return NotDunned.BEING_COLLECTED if claim.being_collected else _level_reached(claim, policy, today)


def _level_reached(claim: Claim, policy: Policy, today: date) -> Step | NotDunned:
    above = [level for level in policy.levels if claim.level is None or level.level > claim.level]
    if not above:
        return NotDunned.LAST_LEVEL
    level = min(above, key=lambda one: one.level)
    if today < max(claim.due + timedelta(days=level.days_after_due), claim.late_since):
        return NotDunned.NOT_YET
    if claim.last_notice is not None and today < claim.last_notice + timedelta(days=policy.days_between):
        return NotDunned.TOO_SOON
    return Step(claim, level)


def letters(
    claims: Iterable[Claim], policy: Policy, today: date, *, credit_of: Mapping[Account, Decimal] | None = None
) -> tuple[Letter, ...]:
    """The letters of a run: one per customer, currency and company that is owed, at the highest level of its documents.

    `credit_of` says what customers have with us and nobody has allocated; it covers their oldest documents first.
    """
    left = dict(credit_of or {})
    by_letter: dict[tuple[Account, UUID | None], list[Step]] = {}
    for claim in sorted(claims, key=lambda one: (one.due, one.id)):
        step = next_step(claim, policy, today)
        if not isinstance(step, Step):
            continue
        account = (claim.customer_id, claim.currency)
        credit = left.get(account, ZERO)
        left[account] = max(credit - claim.open_amount, ZERO)
        if credit < claim.open_amount:
            by_letter.setdefault((account, claim.creditor), []).append(step)
    return tuple(
        Letter(customer, currency, max(step.level.level for step in steps), tuple(steps), creditor)
        for ((customer, currency), creditor), steps in by_letter.items()
    )


def fee(letter: Letter) -> Decimal:
    """What the letter costs: the fee of its highest level."""
    highest = max(letter.steps, key=lambda step: step.level.level)
    return in_currency_of(highest.claim, highest.level.fee)


def flat_fee(step: Step, *, consumer: bool) -> Decimal:
    """The forty euros, once per claim and never from a consumer."""
    owed = step.level.flat_fee and not consumer and not step.claim.flat_fee_charged
    return in_currency_of(step.claim, FLAT_FEE) if owed else ZERO


def in_currency_of(claim: Claim, euros: Decimal) -> Decimal:
    """So many euros in the currency of a document, at the rate with which it was issued."""
    return rounded(product(euros, claim.exchange_rate))


def in_euros(claim: Claim) -> Decimal:
    """What is open of a document in euros, at the rate with which it was issued."""
    return rounded(ratio(claim.open_amount, claim.exchange_rate))


def payments_are_fresh(imported_at: datetime | None, now: datetime) -> bool:
    """Whether payments were imported lately enough to ask anybody for money."""
    return imported_at is not None and now - imported_at < PAYMENTS_NOT_OLDER_THAN


# --- interest


def rate_in_default(base: Decimal, *, consumer: bool) -> Decimal:
    """The rate in percent."""
    return base + (CONSUMER_POINTS if consumer else BUSINESS_POINTS)


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate in default from a day on, in percent."""

    since: date
    percent: Decimal


def rates_between(since: date, until: date, *, base_rates: Sequence[BaseRate], consumer: bool) -> tuple[Rate, ...]:
    """The rates that interest was computed with."""
    days = sorted({since, *(rate.valid_from for rate in base_rates if since < rate.valid_from < until)})
    found: list[Rate] = []
    for day in days:
        percent = rate_in_default(_base_rate(base_rates, day), consumer=consumer)
        if not found or found[-1].percent != percent:
            found.append(Rate(day, percent))
    return tuple(found)


def interest(
    amount: Decimal,
    since: date,
    until: date,
    *,
    base_rates: Sequence[BaseRate] = DEFAULT_BASE_RATES,
    consumer: bool = False,
    payments: Sequence[tuple[date, Decimal]] = (),
) -> Decimal:
    """What `amount` costs from the first day of default until the day of payment, which no longer counts.

    `payments` reduce the amount from their own day on. Rounded once, at the end.
    """
    days = {since, until, *(day for day, _ in payments if since < day < until)}
    days |= {rate.valid_from for rate in base_rates if since < rate.valid_from < until}
    total = ZERO
    for start, end in pairwise(sorted(days)):
        owed = amount - sum((paid for day, paid in payments if day <= start), ZERO)
        percent = rate_in_default(_base_rate(base_rates, start), consumer=consumer)
        total += ratio(product(max(owed, ZERO), percent, Decimal((end - start).days)), product(HUNDRED, DAYS_OF_A_YEAR))
    return rounded(total)


def _base_rate(rates: Sequence[BaseRate], day: date) -> Decimal:
    known = sorted(rates, key=lambda rate: rate.valid_from)
    if not known:
        raise ValueError(f"there is no base rate for {day}")
    # Before the first that is known, the first holds: what is older than any table is not asked for any more.
    return next((rate for rate in reversed(known) if rate.valid_from <= day), known[0]).percent
