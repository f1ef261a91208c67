"""The life of a document, and the document that undoes it.

    generate ──► DRAFT ──approve──► APPROVED ──issue──► ISSUED ──cancel──► CANCELLED
                   ▲                   │                  │                    ▲
                   └──revokeApproval───┘                  └─ a document of its own, with lines mirrored

A draft has no number, may be changed, and may be thrown away. From ISSUED on nothing changes but what has been paid, where it was
delivered and how often we asked. There is no way back: what was wrong is cancelled by a counter-document whose lines have negative
quantities (EN 16931 forbids negative prices) and a number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import MappingProxyType

from subgraphs.billing.errors import WrongInvoiceStatus
from subgraphs.billing.rules.money import ZERO
from subgraphs.kit.errors import Invalid


class InvoiceKind(Enum):
    """What kind of document it is."""

    INVOICE = "INVOICE"
    """Asks for money."""
    PARTIAL = "PARTIAL"
    """Asks for a part, before the whole is done."""
    FINAL = "FINAL"
    """Asks for what is left after partial invoices."""
    CANCELLATION = "CANCELLATION"
    """Undoes an issued document (Stornorechnung)."""
    CREDIT_NOTE = "CREDIT_NOTE"
    """Gives back a part of what was invoiced (Rechnungskorrektur)."""
    SELF_BILLED = "SELF_BILLED"
    """Is written by the one who pays (Gutschrift in the sense of VAT law)."""


class InvoiceStatus(Enum):
    """How far a document is."""

    DRAFT = "DRAFT"
    """It can be changed, and has no number."""
    APPROVED = "APPROVED"
    """Somebody has looked at it."""
    ISSUED = "ISSUED"
    """It has its number and can't be changed any more."""
    CANCELLED = "CANCELLED"
    """Another document has undone it."""


class PaymentStatus(Enum):
    """How much of a document is paid."""

    OPEN = "OPEN"
    """Nothing."""
    PARTIALLY_PAID = "PARTIALLY_PAID"
    """A part."""
    PAID = "PAID"
    """All of it."""
    OVERPAID = "OVERPAID"
    """More than all of it."""
    WRITTEN_OFF = "WRITTEN_OFF"
    """Nobody expects the rest any more."""


class DeliveryStatus(Enum):
    """Where a document is on its way to the customer."""

    NOT_SENT = "NOT_SENT"
    """It is here."""
    SENT = "SENT"
    """It was handed over."""
    DELIVERED = "DELIVERED"
    """It has arrived."""
    FAILED = "FAILED"
    """It came back."""


class InvoiceMove(Enum):
    """The commands that a document's status allows or not, by their GraphQL names."""

    EDIT = "updateDraftInvoice"
    DELETE = "deleteDraftInvoice"
    APPROVE = "approveInvoice"
    REVOKE = "revokeApproval"
    ISSUE = "issueInvoice"
    CANCEL = "cancelInvoice"
    SEND = "sendInvoice"
    PAY = "allocatePayment"
    WRITE_OFF = "writeOff"
    CREDIT = "createCreditNote"


S = InvoiceStatus

MOVES: Mapping[InvoiceMove, tuple[InvoiceStatus, InvoiceStatus]] = MappingProxyType(
    {
        InvoiceMove.EDIT: (S.DRAFT, S.DRAFT),
        InvoiceMove.DELETE: (S.DRAFT, S.DRAFT),
        InvoiceMove.APPROVE: (S.DRAFT, S.APPROVED),
        InvoiceMove.REVOKE: (S.APPROVED, S.DRAFT),
        InvoiceMove.ISSUE: (S.APPROVED, S.ISSUED),
        InvoiceMove.CANCEL: (S.ISSUED, S.CANCELLED),
        InvoiceMove.SEND: (S.ISSUED, S.ISSUED),
        InvoiceMove.PAY: (S.ISSUED, S.ISSUED),
        InvoiceMove.WRITE_OFF: (S.ISSUED, S.ISSUED),
        InvoiceMove.CREDIT: (S.ISSUED, S.ISSUED),
    }
)

CLAIMS = frozenset({InvoiceKind.INVOICE, InvoiceKind.PARTIAL, InvoiceKind.FINAL})
"""The kinds that ask for money: only these are paid, dunned, credited and cancelled by us."""

TYPE_CODES: Mapping[InvoiceKind, str] = MappingProxyType(
    {
        InvoiceKind.INVOICE: "380",
        InvoiceKind.PARTIAL: "326",
        InvoiceKind.FINAL: "380",
        InvoiceKind.CANCELLATION: "384",
        InvoiceKind.CREDIT_NOTE: "381",
        InvoiceKind.SELF_BILLED: "389",
    }
)
"""How EN 16931 calls the kinds (BT-3)."""


def moved(move: InvoiceMove, status: InvoiceStatus) -> InvoiceStatus:
    """The status after `move`; raises `WrongInvoiceStatus` when it does not start from `status`."""
    source, target = MOVES[move]
    if status is not source:
        raise WrongInvoiceStatus(f"{move.value} works from {source.value}; this is {status.value}.", field="id")
    return target


def check_kind(move: InvoiceMove, kind: InvoiceKind) -> None:
    """Raise `WrongInvoiceStatus` when `move` makes no sense for this kind of document."""
    if kind not in CLAIMS:
        raise WrongInvoiceStatus(f"{move.value} works for invoices; this is a {kind.value}.", field="id")


def payment_status(gross: Decimal, paid: Decimal, *, written_off: Decimal = ZERO) -> PaymentStatus:
    """How much of `gross` is paid."""
    if written_off and paid + written_off >= gross:
        return PaymentStatus.WRITTEN_OFF
    if paid > gross:
        return PaymentStatus.OVERPAID
    if paid == gross:
        return PaymentStatus.PAID
    return PaymentStatus.PARTIALLY_PAID if paid else PaymentStatus.OPEN


def is_overdue(open_amount: Decimal, due: date | None, today: date) -> bool:
    """Whether something is open after its day; never stored, because nothing happens when it begins."""
    return open_amount > 0 and due is not None and today > due


@dataclass(frozen=True, slots=True)
class Settlement:
    """What cancelling a document does to the money around it."""

    net: Decimal
    tax: Decimal
    gross: Decimal
    credit: Decimal
    """What had been paid, and is the customer's now."""
    balance_effect: Decimal
    """What both documents together ask for: nothing."""


def cancelled(net: Decimal, tax: Decimal, gross: Decimal, *, paid: Decimal = ZERO) -> Settlement:
    """The totals of the counter-document, and what becomes of what was paid."""
    return Settlement(-net, -tax, -gross, credit=paid, balance_effect=gross + -gross)


def status_words(named: str | None) -> tuple[frozenset[InvoiceStatus], bool | None]:
    """What a filter word means: the document statuses, and whether only what is open or only what is paid is wanted.

    `open`, `overdue`, `paid`, `all`, or an InvoiceStatus by name, in any case; raises `Invalid` for any other word.
    """
    word = (named or "all").lower()
    if word in {"open", "overdue"}:
        return frozenset({S.ISSUED}), True
    if word == "paid":
        return frozenset({S.ISSUED}), False
    if word == "all":
        return frozenset(S), None
    try:
        return frozenset({InvoiceStatus(word.upper())}), None
    except ValueError:
        words = ", ".join(["open", "overdue", "paid", "all", *(status.value for status in InvoiceStatus)])
        raise Invalid(f"{named!r} is no status of an invoice; use one of {words}.", field="status") from None
