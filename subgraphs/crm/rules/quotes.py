"""What is true about quotes and opportunities, with no I/O: moves, totals, options, and what becomes a contract.

    DRAFT ──submit──► IN_APPROVAL ──approve──► APPROVED ──send──► SENT ──view──► VIEWED ──accept──► ACCEPTED ──convert──► CONVERTED
      └──────────────── send, when nobody has to approve ──────────►│               │
                                                                    ├── reject ─────┴──► REJECTED
                                                                    └── validUntil passed ──► EXPIRED
    reviseQuote makes the revision SUPERSEDED, and the next one a DRAFT.

A line may be optional: it counts when it is selected, and whoever accepts selects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType
from uuid import UUID

from subgraphs.crm.errors import QuoteNotAcceptable, QuoteWrongStatus
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit.errors import Invalid

CENT = Decimal("0.01")
FREE_DISCOUNT = Decimal(10)
"""Up to so many percent may be taken off without anybody's approval."""
MOST_LINES = 200
PDF = "application/pdf"


class QuoteStatus(Enum):
    """Where a revision of a quote is between draft and contract."""

    DRAFT = "DRAFT"
    """It is being written."""
    IN_APPROVAL = "IN_APPROVAL"
    """Somebody has to approve it."""
    APPROVED = "APPROVED"
    """It may be sent."""
    SENT = "SENT"
    """The customer has it."""
    VIEWED = "VIEWED"
    """The customer has looked at it."""
    ACCEPTED = "ACCEPTED"
    """The customer wants it."""
    REJECTED = "REJECTED"
    """The customer does not want it."""
    EXPIRED = "EXPIRED"
    """Its last day has passed."""
    SUPERSEDED = "SUPERSEDED"
    """There is a newer revision."""
    CONVERTED = "CONVERTED"
    """It became a contract."""


class Paper(Enum):
    """The papers of a quote."""

    SENT = "SENT"
    """What was offered, with all options."""
    ACCEPTED = "ACCEPTED"
    """What was taken: the lines and options that were chosen, by whom and when."""


S = QuoteStatus

OPEN = frozenset({S.SENT, S.VIEWED})
"""The customer can still answer."""

MOVES: Mapping[str, tuple[frozenset[QuoteStatus], QuoteStatus]] = MappingProxyType(
    {
        "submitQuote": (frozenset({S.DRAFT}), S.IN_APPROVAL),
        "approveQuote": (frozenset({S.IN_APPROVAL}), S.APPROVED),
        "sendQuote": (frozenset({S.APPROVED}), S.SENT),
        "viewQuote": (frozenset({S.SENT}), S.VIEWED),
        "acceptQuote": (OPEN, S.ACCEPTED),
        "rejectQuote": (OPEN, S.REJECTED),
        "convertQuote": (frozenset({S.ACCEPTED}), S.CONVERTED),
        "reviseQuote": (frozenset(S) - {S.SUPERSEDED, S.ACCEPTED, S.CONVERTED}, S.SUPERSEDED),
    }
)
"""From which statuses each command leads, and where to."""


def moved(command: str, before: QuoteStatus) -> QuoteStatus:
    """The status after a command; raises `QuoteWrongStatus` when it leads nowhere from here."""
    origins, to = MOVES[command]
    if before not in origins:
        names = " or ".join(status.value for status in QuoteStatus if status in origins)
        raise QuoteWrongStatus(f"{command} is for quotes that are {names}; this one is {before.value}.", field="id")
    return to


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One position of a quote."""

    id: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    unit_code: str = "C62"
    product_id: str | None = None
    cost: Decimal | None = None
    discount_percent: Decimal = Decimal(0)
    tax_code: str = "DE19"
    recurring: BillingInterval = BillingInterval.ONE_TIME
    optional: bool = False
    selected: bool = True
    group: str | None = None

    @property
    def net(self) -> Decimal:
        """What it comes to, to the cent."""
        return (self.quantity * self.unit_price * (100 - self.discount_percent) / 100).quantize(CENT, ROUND_HALF_UP)

    @property
    def counts(self) -> bool:
        """Whether it is part of what is bought."""
        return self.selected or not self.optional


def sent(status: QuoteStatus, lines: Sequence[QuoteLine]) -> QuoteStatus:
    """The status after sendQuote: a draft goes out at once when no discount needs approval."""
    if not lines:
        raise QuoteWrongStatus("There is nothing in this quote.", field="id")
    if status is S.DRAFT and max(line.discount_percent for line in lines) <= FREE_DISCOUNT:
        return S.SENT
    return moved("sendQuote", status)


def accepted(status: QuoteStatus, *, valid_until: date, today: date) -> QuoteStatus:
    """The status after acceptQuote; raises `QuoteNotAcceptable` for a revision that is expired or superseded."""
    if status in {S.SUPERSEDED, S.EXPIRED} or (status in OPEN and today > valid_until):
        raise QuoteNotAcceptable(
            "This revision can't be accepted any more: it is expired or there is a newer one.", field="id"
        )
    return moved("acceptQuote", status)


def is_over(status: QuoteStatus, *, valid_until: date, today: date) -> bool:
    """Whether a quote waited for an answer until its last day had passed; on that day itself it can be accepted."""
    return status in OPEN and today > valid_until


def chosen(lines: Sequence[QuoteLine], wanted: Collection[str] | None) -> tuple[str, ...]:
    """The ids of the optional lines that are bought; `wanted` is None when nobody chose, and the proposal stands."""
    optional = {line.id for line in lines if line.optional}
    if wanted is None:
        return tuple(line.id for line in lines if line.optional and line.selected)
    if set(wanted) - optional:
        raise Invalid("Only optional lines of this quote can be selected.", field="options")
    return tuple(line.id for line in lines if line.id in set(wanted))


@dataclass(frozen=True, slots=True)
class Totals:
    """What a quote comes to, without VAT, which is determined with the invoice."""

    one_time: Decimal
    recurring: Mapping[BillingInterval, Decimal]
    monthly: Decimal
    options: Decimal
    """Optional lines that are not selected."""
    cost: Decimal
    margin: Decimal


def totals(lines: Sequence[QuoteLine]) -> Totals:
    """The sums of all lines that count."""
    bought = [line for line in lines if line.counts]
    recurring = {
        interval: found
        for interval in BillingInterval
        if interval.months and (found := _sum(line.net for line in bought if line.recurring is interval))
    }
    monthly = sum((net / interval.months for interval, net in recurring.items()), Decimal(0))
    cost = _sum((line.quantity * (line.cost or 0)).quantize(CENT, ROUND_HALF_UP) for line in bought)
    return Totals(
        one_time=_sum(line.net for line in bought if not line.recurring.months),
        recurring=recurring,
        monthly=monthly.quantize(CENT, ROUND_HALF_UP),
        options=_sum(line.net for line in lines if not line.counts),
        cost=cost,
        margin=_sum(line.net for line in bought) - cost,
    )


def _sum(values: object) -> Decimal:
    return sum(values, Decimal("0.00"))  # type: ignore[call-overload, no-any-return]


def contract_interval(lines: Sequence[QuoteLine]) -> BillingInterval:
    """How often the contract of a quote is billed: as often as the line that comes most often."""
    intervals = [line.recurring for line in lines if line.counts and line.recurring.months]
    return min(intervals, key=lambda interval: interval.months, default=BillingInterval.ONE_TIME)


def price_each(line: QuoteLine, interval: BillingInterval) -> Decimal:
    """The price of one for another interval: a year's price comes to a twelfth of it in a month."""
    if not line.recurring.months or not interval.months:
        return line.unit_price
    return (line.unit_price * interval.months / line.recurring.months).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def page(tenant: UUID, token: str) -> str:
    """Where a quote is answered without signing in; whoever knows the token may."""
    return f"/quotes/{tenant}/{token}"


def file_path(tenant: UUID, quote: UUID, paper: Paper = Paper.SENT) -> str:
    """Where a paper of a quote is, without the signature that opens it."""
    return f"/quotes/{tenant}/files/{quote}" + ("/accepted" if paper is Paper.ACCEPTED else "")


def filename(number: str, revision: int, paper: Paper = Paper.SENT) -> str:
    """What a paper of a quote is called as a file."""
    stem = number if revision == 1 else f"{number}-{revision}"
    return f"{stem}-accepted.pdf" if paper is Paper.ACCEPTED else f"{stem}.pdf"


def fingerprint(lines: Sequence[Mapping[str, object]], *, number: str, revision: int, terms: str | None) -> str:
    """The hash of exactly what was accepted."""
    document = {"number": number, "revision": revision, "terms": terms, "lines": list(lines)}
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


# --- opportunities

STAGES: tuple[tuple[str, int, str], ...] = (
    ("New", 10, "OPEN"),
    ("Qualified", 25, "OPEN"),
    ("Proposal", 50, "OPEN"),
    ("Negotiation", 75, "OPEN"),
    ("Won", 100, "WON"),
    ("Lost", 0, "LOST"),
)
"""The pipeline that a tenant begins with: name, probability in percent, and what it means."""


class StageOutcome(Enum):
    """What a stage of the pipeline means."""

    OPEN = "OPEN"
    """Nothing is decided."""
    WON = "WON"
    """They buy."""
    LOST = "LOST"
    """They don't."""


def probability(value: int, *, field: str) -> int:
    """How likely it is, in percent."""
    if not 0 <= value <= 100:
        raise Invalid(f"{field} must be between 0 and 100.", field=field)
    return value


def weighted(amount: Decimal, likely: int) -> Decimal:
    """What an opportunity is worth in a forecast."""
    return (amount * likely / 100).quantize(CENT, ROUND_HALF_UP)
