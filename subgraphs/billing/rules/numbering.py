"""The numbers of documents: one series per legal entity, kind and year, without gaps.

A number exists only if its document does: it is drawn inside the transaction that issues the document, under the lock of its
range's row. A PostgreSQL sequence would be faster and would leave a gap with every rollback.

    RE-2026-000123 ─► RE-2026-000124 ─► RE-2026-000125        the dates of issue never go back
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from subgraphs.billing.errors import BackDated
from subgraphs.billing.rules.invoices import InvoiceKind

PADDING = 6

PREFIXES = {
    InvoiceKind.INVOICE: "RE",
    InvoiceKind.PARTIAL: "RE",
    InvoiceKind.FINAL: "RE",
    InvoiceKind.CANCELLATION: "RE",
    InvoiceKind.CREDIT_NOTE: "GS",
    InvoiceKind.SELF_BILLED: "SB",
}
"""The range of each kind; cancellations share that of the invoices unless a tenant gives them one of their own (`ST`)."""


@dataclass(frozen=True, slots=True)
class Series:
    """One number range."""

    prefix: str
    year: int
    padding: int = PADDING

    def number(self, place: int) -> str:
        """The number at this place, beginning with 1: `RE-2026-000001`."""
        return f"{self.prefix}-{self.year}-{place:0{self.padding}}"

    def place(self, number: str) -> int:
        """The place of a number; raises `ValueError` when it is of another series."""
        prefix, _, place = number.rpartition("-")
        if prefix != f"{self.prefix}-{self.year}":
            raise ValueError(f"{number} is no number of {self.prefix}-{self.year}")
        return int(place)


def check_issue_date(issue: date, *, last: date | None, closed_until: date | None = None) -> None:
    """Raise `BackDated` when a document of this date would stand after one of a later date, or in a closed period."""
    if last is not None and issue < last:
        raise BackDated(f"The last document of this range is of {last}; {issue} lies before it.", field="issueDate")
    if closed_until is not None and issue <= closed_until:
        raise BackDated(f"The books are closed until {closed_until}.", field="issueDate")


def gaps(series: Series, numbers: Iterable[str], next_place: int) -> tuple[str, ...]:
    """The numbers below the next one that no document has: what an auditor asks for, and what must be empty."""
    there = {series.place(number) for number in numbers}
    return tuple(series.number(place) for place in range(1, next_place) if place not in there)
