"""A document as the law and EN 16931 see it: everything that is printed, sent and kept, and nothing else.

This is the border between billing and its documents: whoever writes XRechnung, ZUGFeRD or a page of paper gets one of these and
needs no other question answered. It is taken from the snapshots of the issued invoice, so it says the same for ever. The numbers
behind the fields are the standard's business terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from subgraphs.billing.rules.invoices import InvoiceKind
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.rules.vat import TaxCategory


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """BG-5, BG-8, BG-15."""

    line1: str | None = None
    """BT-35, BT-50, BT-75."""
    line2: str | None = None
    """BT-36, BT-51, BT-76."""
    postal_code: str | None = None
    """BT-38, BT-53, BT-78."""
    city: str | None = None
    """BT-37, BT-52, BT-77."""
    country: str | None = None
    """BT-40, BT-55, BT-80: two letters (ISO 3166-1)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An electronic address with its scheme: `EM` for mail, `0204` for a Leitweg-ID."""

    value: str
    """BT-34, BT-49."""
    scheme: str = "EM"
    """BT-34-1, BT-49-1."""


@dataclass(frozen=True, slots=True)
class Contact:
    """BG-6, BG-9: who can be asked."""

    name: str | None = None
    """BT-41, BT-56."""
    phone: str | None = None
    """BT-42, BT-57."""
    email: str | None = None
    """BT-43, BT-58."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells, or who buys."""

    name: str
    """BT-27, BT-44."""
    address: PostalAddress
    trading_name: str | None = None
    """BT-28, BT-45."""
    vat_id: str | None = None
    """BT-31, BT-48; absent where the standard forbids it (category O)."""
    tax_number: str | None = None
    """BT-32: the seller's number at the tax office."""
    registration: str | None = None
    """BT-30: the number in the register of companies."""
    legal_information: str | None = None
    """BT-33: register court, managing directors."""
    identifier: str | None = None
    """BT-29, BT-46: our number for the buyer."""
    endpoint: Endpoint | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Skonto:
    """What may be taken off for paying early; in BT-20 as `#SKONTO#TAGE=10#PROZENT=2.00#`."""

    days: int
    percent: Decimal
    base_amount: Decimal | None = None
    """When it does not hold for the whole amount."""


DIRECT_DEBIT = "59"
"""The payment means of a SEPA direct debit."""


@dataclass(frozen=True, slots=True)
class Payment:
    """BG-16: how it is paid."""

    means_code: str = "58"
    """BT-81: 58 is a SEPA credit transfer, 59 a SEPA direct debit."""
    iban: str | None = None
    """BT-84: the seller's account."""
    bic: str | None = None
    """BT-86."""
    account_name: str | None = None
    """BT-85."""
    reference: str | None = None
    """BT-83: what the payer writes; the number of the document."""
    mandate_reference: str | None = None
    """BT-89."""
    creditor_id: str | None = None
    """BT-90."""
    debited_iban: str | None = None
    """BT-91: the buyer's account."""


@dataclass(frozen=True, slots=True)
class Preceding:
    """BG-3: the document that this one undoes or corrects."""

    number: str
    """BT-25."""
    issue_date: date
    """BT-26."""


@dataclass(frozen=True, slots=True)
class ServicePeriod:
    """BG-14, BG-26: when it was done; both days count."""

    start: date
    """BT-73, BT-134."""
    end: date
    """BT-74, BT-135."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """BG-20: what is taken off the whole document, for one VAT category."""

    amount: Decimal
    """BT-92."""
    base_amount: Decimal
    """BT-93."""
    percent: Decimal
    """BT-94."""
    category: TaxCategory
    """BT-95."""
    rate: Decimal
    """BT-96."""
    reason: str
    """BT-97."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """BG-25: a line."""

    position: str
    """BT-126."""
    name: str
    """BT-153: what it is, in short."""
    quantity: Decimal
    """BT-129; negative on a cancellation."""
    unit_code: str
    """BT-130: UN/ECE Recommendation 20, HUR or C62 or MON."""
    unit_price: Decimal
    """BT-146: never negative."""
    net: Decimal
    """BT-131."""
    category: TaxCategory
    """BT-151."""
    rate: Decimal
    """BT-152."""
    description: str | None = None
    """BT-154: what it is, in full."""
    note: str | None = None
    """BT-127."""
    discount_percent: Decimal = ZERO
    """BT-138."""
    discount_amount: Decimal = ZERO
    """BT-136; BT-137, its base, is quantity times price."""
    period: ServicePeriod | None = None
    seller_identifier: str | None = None
    """BT-155: the SKU."""
    order_line: str | None = None
    """BT-132."""
    cost_centre: str | None = None
    """BT-133."""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An issued invoice, cancellation or credit note, whole."""

    number: str
    """BT-1."""
    issue_date: date
    """BT-2."""
    kind: InvoiceKind
    type_code: str
    """BT-3: 380, 326, 384 or 381."""
    currency: str
    """BT-5."""
    seller: Party
    """BG-4."""
    buyer: Party
    """BG-7."""
    lines: tuple[DocumentLine, ...]
    breakdown: tuple[TaxSubtotal, ...]
    """BG-23, with category (BT-118), rate (BT-119), taxable (BT-116), tax (BT-117) and reasons (BT-120, BT-121)."""
    lines_net: Decimal
    """BT-106."""
    allowance_total: Decimal
    """BT-107."""
    net: Decimal
    """BT-109."""
    tax: Decimal
    """BT-110."""
    gross: Decimal
    """BT-112."""
    paid: Decimal
    """BT-113."""
    due: Decimal
    """BT-115."""
    payment: Payment
    language: str = "de"
    """In which language it is printed."""
    allowances: tuple[Allowance, ...] = ()
    due_date: date | None = None
    """BT-9."""
    tax_point_date: date | None = None
    """BT-7."""
    delivery_date: date | None = None
    """BT-72."""
    period: ServicePeriod | None = None
    """BG-14."""
    delivery_address: PostalAddress | None = None
    """BG-15: where goods went; needed for supplies within the EU."""
    buyer_reference: str | None = None
    """BT-10: the Leitweg-ID, or what the buyer asked for."""
    order_reference: str | None = None
    """BT-13."""
    contract_reference: str | None = None
    """BT-12."""
    project_reference: str | None = None
    """BT-11."""
    preceding: tuple[Preceding, ...] = ()
    """BG-3."""
    payment_terms: str | None = None
    """BT-20 without the lines for Skonto."""
    skonto: tuple[Skonto, ...] = ()
    notes: tuple[str, ...] = ()
    """BT-22."""
    tax_currency: str | None = None
    """BT-6: the currency of accounting, when the document has another."""
    tax_in_tax_currency: Decimal | None = None
    """BT-111."""
    exchange_rate: Decimal | None = None
    """So much of the document's currency for one of the other; printed, not part of EN 16931."""
    is_draft: bool = False
    """It has no number yet: for a preview with "Entwurf" across the page."""
    xrechnung: bool = False
    """The buyer wants XRechnung (BT-24 of it), not plain EN 16931."""
