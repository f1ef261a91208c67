"""Invoices that suppliers send us: what they say, whether they are in order, and what becomes of them.

    received ──► RECEIVED ──acceptInboundInvoice──► ACCEPTED     it goes on to bookkeeping
                     └─────rejectInboundInvoice───► REJECTED     with the reason that the supplier is told

The structured part is the invoice; a page beside it only shows it. What came is kept as it came. An invoice may be received that the
official rules refuse: somebody has to say so to the supplier, and until then it is there, with what was found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from subgraphs.billing.rules.einvoice import Finding, Severity
from subgraphs.billing.rules.money import CENT

PAGE_DIFFERS: Final = "PAGE-DIFFERS"
OTHER_BUYER: Final = "OTHER-BUYER"
KNOWN_NUMBER: Final = "KNOWN-NUMBER"
SUMS_DIFFER: Final = "SUMS-DIFFER"


class InboundFormat(Enum):
    """How an invoice came."""

    UBL = "UBL"
    """XML in UBL."""
    CII = "CII"
    """XML in CII."""
    ZUGFERD = "ZUGFERD"
    """A PDF with CII inside."""


class InboundStatus(Enum):
    """What became of an invoice that came."""

    RECEIVED = "RECEIVED"
    """Somebody has to look at it."""
    ACCEPTED = "ACCEPTED"
    """It is right, and is paid."""
    REJECTED = "REJECTED"
    """It is not right; the supplier is told why."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an invoice says, as far as we look at it; a field that it lacks is None."""

    number: str | None = None
    type_code: str | None = None
    profile: str | None = None
    issue_date: date | None = None
    due_date: date | None = None
    currency: str | None = None
    supplier: str | None = None
    supplier_vat_id: str | None = None
    supplier_tax_number: str | None = None
    buyer: str | None = None
    buyer_vat_id: str | None = None
    iban: str | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    gross: Decimal | None = None
    payable: Decimal | None = None

    @property
    def is_xrechnung(self) -> bool:
        """It claims to follow the German rules, too."""
        return "xrechnung" in (self.profile or "").casefold()

    @property
    def is_extended(self) -> bool:
        """It claims ZUGFeRD's profile for more than EN 16931 knows."""
        return "extended" in (self.profile or "").casefold()


def doubts(said: Said, *, page_differs: bool, ours: Iterable[str], known_number: bool) -> tuple[Finding, ...]:
    """What we have against an invoice besides the official rules; `ours` are the VAT ids of our companies."""
    found = []
    if page_differs:
        words = "The page does not show the total of the data; the data is the invoice."
        found.append(Finding(PAGE_DIFFERS, Severity.WARNING, words))
    own = frozenset(ours)
    if said.buyer_vat_id and own and said.buyer_vat_id not in own:
        found.append(
            Finding(OTHER_BUYER, Severity.WARNING, f"It is addressed to {said.buyer_vat_id}, which is not us.")
        )
    if known_number:
        words = "An invoice of this supplier with this number came before."
        found.append(Finding(KNOWN_NUMBER, Severity.WARNING, words))
    if not _adds_up(said):
        # The official rules allow a tolerance here; bookkeeping does not.
        found.append(Finding(SUMS_DIFFER, Severity.WARNING, "Net and tax do not come to the gross."))
    return tuple(found)


def _adds_up(said: Said) -> bool:
    if said.net is None or said.gross is None:
        return True
    return abs(said.net + (said.tax or Decimal(0)) - said.gross) < CENT


def in_order(findings: Iterable[Finding]) -> bool:
    """Whether the official rules have nothing fatal against it."""
    return not any(one.severity is Severity.FATAL for one in findings)
