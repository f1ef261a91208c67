"""What a document says of seller and buyer on the day when it is issued, and the document as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice, InvoiceLine
from subgraphs.billing.rules import days
from subgraphs.billing.rules import document as paper
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.invoices import TYPE_CODES, InvoiceStatus
from subgraphs.billing.rules.money import ZERO, product, rounded
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.rules.vat import TaxCategory
from subgraphs.billing.service.terms import skonto
from subgraphs.kit.errors import PreconditionFailed

_SELLER = (
    "name", "address", "vat_id", "tax_number", "register_court", "register_no", "managing_directors", "contact_name",
    "contact_phone", "contact_email", "iban", "bic", "sepa_creditor_id", "base_currency", "small_business", "vat_on_receipt",
)  # fmt: skip

_BUYER = (
    "customer_id", "number", "name", "address", "vat_id", "is_business", "language", "invoice_email", "einvoice_endpoint",
    "buyer_reference", "debtor_account",
)  # fmt: skip

_CONTENT = (
    "number", "currency", "issue_date", "tax_point_date", "service_from", "service_to", "due_date", "payment_days", "skonto",
    "discount_percent", "lines_net", "allowance", "total_net", "total_tax", "total_gross", "tax_breakdown", "exchange_rate",
    "tax_in_base_currency", "buyer_reference", "order_reference", "payment_terms", "notes", "preceding_id", "reason",
    "legal_entity_id", "seller_snapshot", "buyer_snapshot",
)  # fmt: skip

_LINE_CONTENT = (
    "position", "description", "quantity", "unit_code", "unit_price", "discount_percent", "net_amount", "tax_code",
    "tax_category", "tax_rate", "exemption_text", "service_from", "service_to", "contract_id", "project_id",
)  # fmt: skip


def seller(entity: LegalEntity) -> dict[str, Any]:
    """The seller as the document says it."""
    return {name: getattr(entity, name) for name in _SELLER}


def buyer(account: BillingAccount) -> dict[str, Any]:
    """The buyer as the document says it."""
    found = {name: getattr(account, name) for name in _BUYER}
    return found | {
        "customer_id": str(account.customer_id),
        "vat_id_status": account.vat_id_status.value,
        "vat_id_checked_at": account.vat_id_checked_at.isoformat() if account.vat_id_checked_at else None,
        "einvoice_format": account.einvoice_format.value,
    }


def content(invoice: Invoice, lines: Iterable[InvoiceLine]) -> dict[str, Any]:
    """Everything that a document says, for its hash."""
    # Who buys is who bought then: the account that a document is found under may have become another one.
    bought = (invoice.buyer_snapshot or {}).get("customer_id") or invoice.customer_id
    return {name: getattr(invoice, name) for name in _CONTENT} | {
        "customer_id": str(bought),
        "kind": invoice.kind,
        "lines": [{name: getattr(line, name) for name in _LINE_CONTENT} for line in lines],
    }


def check(invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise `PreconditionFailed` unless the document has what the law wants on it (§ 14 UStG)."""
    if not lines:
        raise PreconditionFailed("A document needs at least one line.", field="id")
    seller_, buyer_ = invoice.seller_snapshot or {}, invoice.buyer_snapshot or {}
    if not seller_.get("vat_id") and not seller_.get("tax_number"):
        raise PreconditionFailed("The seller needs a VAT id or a tax number.", field="legalEntityId")
    for party, whose in ((seller_, "seller's"), (buyer_, "customer's")):
        missing = [name for name in ("city", "country") if not party.get("address", {}).get(name)]
        if missing:
            raise PreconditionFailed(f"The {whose} address lacks {' and '.join(missing)}.", field="customerId")
    categories = {line.tax_category for line in lines}
    if categories & {TaxCategory.AE, TaxCategory.K} and buyer_.get("is_business") and not buyer_.get("vat_id"):
        raise PreconditionFailed("The customer owes the tax, so the document needs their VAT id.", field="customerId")


# --- the document as its writers get it


def document(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    live_seller: LegalEntity | None = None,
    live_buyer: BillingAccount | None = None,
    preceding: Invoice | None = None,
) -> paper.InvoiceDocument:
    """A document whole; a draft has no snapshots, and is shown with what they would be today."""
    seller_ = invoice.seller_snapshot or (seller(live_seller) if live_seller else {})
    buyer_ = invoice.buyer_snapshot or (buyer(live_buyer) if live_buyer else {})
    parts = breakdown(invoice.tax_breakdown)
    not_taxable = any(part.category is TaxCategory.O for part in parts)
    is_xrechnung = str(buyer_.get("einvoice_format")) in {
        EInvoiceFormat.XRECHNUNG_UBL.value,
        EInvoiceFormat.XRECHNUNG_CII.value,
    }
    return paper.InvoiceDocument(
        number=invoice.number or "",
        issue_date=invoice.issue_date or days.local(invoice.created_at),
        kind=invoice.kind,
        type_code=TYPE_CODES[invoice.kind],
        currency=invoice.currency,
        seller=seller_party(seller_, with_vat_id=not not_taxable),
        buyer=buyer_party(buyer_, with_vat_id=not not_taxable),
        lines=tuple(_line(line) for line in lines),
        breakdown=parts,
        lines_net=invoice.lines_net,
        allowance_total=invoice.allowance,
        net=invoice.total_net,
        tax=invoice.total_tax,
        gross=invoice.total_gross,
        paid=ZERO,
        due=invoice.total_gross,
        payment=_payment(invoice, seller_, buyer_.get("mandate")),
        language=str(buyer_.get("language") or "de"),
        allowances=_allowances(parts, invoice.discount_percent),
        due_date=invoice.due_date,
        tax_point_date=invoice.tax_point_date,
        delivery_date=invoice.service_to,
        period=_period(invoice.service_from, invoice.service_to),
        delivery_address=_address(buyer_.get("address") or {}),
        buyer_reference=invoice.buyer_reference,
        order_reference=invoice.order_reference,
        preceding=_preceding(preceding),
        payment_terms=invoice.payment_terms,
        skonto=skonto(invoice.skonto),
        notes=tuple(note for note in (invoice.notes, invoice.reason) if note),
        tax_currency=seller_.get("base_currency") if invoice.tax_in_base_currency is not None else None,
        tax_in_tax_currency=invoice.tax_in_base_currency,
        exchange_rate=invoice.exchange_rate,
        is_draft=invoice.document_status in {InvoiceStatus.DRAFT, InvoiceStatus.APPROVED},
        xrechnung=is_xrechnung,
    )


def breakdown(stored: Iterable[Mapping[str, Any]]) -> tuple[TaxSubtotal, ...]:
    """The VAT categories of a document, as they are stored."""
    return tuple(
        TaxSubtotal(
            TaxCategory(part["category"]),
            Decimal(part["rate"]),
            Decimal(part["lines_net"]),
            Decimal(part["allowance"]),
            Decimal(part["taxable"]),
            Decimal(part["tax"]),
            part.get("exemption_code"),
            part.get("exemption_text"),
        )
        for part in stored
    )


def _address(stored: Mapping[str, Any]) -> paper.PostalAddress:
    names = ("line1", "line2", "postal_code", "city", "country")
    return paper.PostalAddress(**{name: stored.get(name) for name in names})


def seller_party(stored: Mapping[str, Any], *, with_vat_id: bool = True) -> paper.Party:
    """Who sells, as it was written down."""
    directors = ", ".join(stored.get("managing_directors") or ())
    legal = [text for text in (stored.get("register_court"), directors) if text]
    email = stored.get("contact_email")
    return paper.Party(
        name=str(stored.get("name") or ""),
        address=_address(stored.get("address") or {}),
        vat_id=stored.get("vat_id") if with_vat_id else None,
        tax_number=stored.get("tax_number"),
        registration=stored.get("register_no"),
        legal_information=" · ".join(legal) or None,
        endpoint=paper.Endpoint(email) if email else None,
        contact=paper.Contact(stored.get("contact_name"), stored.get("contact_phone"), email),
    )


def buyer_party(stored: Mapping[str, Any], *, with_vat_id: bool = True) -> paper.Party:
    """Who buys, as it was written down."""
    endpoint, email = stored.get("einvoice_endpoint"), stored.get("invoice_email")
    return paper.Party(
        name=str(stored.get("name") or ""),
        address=_address(stored.get("address") or {}),
        vat_id=stored.get("vat_id") if with_vat_id else None,
        identifier=stored.get("number"),
        endpoint=paper.Endpoint(endpoint["value"], endpoint["scheme"])
        if endpoint
        else (paper.Endpoint(email) if email else None),
    )


def _payment(invoice: Invoice, seller_: Mapping[str, Any], mandate: Mapping[str, Any] | None) -> paper.Payment:
    """By transfer, or from the buyer's account when there is a mandate."""
    if mandate is not None:
        return paper.Payment(
            means_code=paper.DIRECT_DEBIT, reference=invoice.number, mandate_reference=mandate["reference"],
            creditor_id=seller_.get("sepa_creditor_id"), debited_iban=mandate["iban"],
        )  # fmt: skip
    return paper.Payment(
        iban=seller_.get("iban"), bic=seller_.get("bic"), account_name=seller_.get("name"), reference=invoice.number
    )


def _period(start: date | None, end: date | None) -> paper.ServicePeriod | None:
    return paper.ServicePeriod(start, end or start) if start else None


def _preceding(invoice: Invoice | None) -> tuple[paper.Preceding, ...]:
    if invoice is None or invoice.number is None or invoice.issue_date is None:
        return ()
    return (paper.Preceding(invoice.number, invoice.issue_date),)


def _allowances(parts: Iterable[TaxSubtotal], percent: Decimal) -> tuple[paper.Allowance, ...]:
    return tuple(
        paper.Allowance(part.allowance, part.lines_net, percent, part.category, part.rate, "Rabatt")
        for part in parts
        if part.allowance
    )


def _line(line: InvoiceLine) -> paper.DocumentLine:
    name, _, rest = line.description.partition("\n")
    whole = rounded(product(line.quantity, line.unit_price))
    return paper.DocumentLine(
        position=str(line.position),
        name=name,
        description=rest or None,
        quantity=line.quantity,
        unit_code=line.unit_code,
        unit_price=line.unit_price,
        net=line.net_amount,
        category=line.tax_category,
        rate=line.tax_rate,
        discount_percent=line.discount_percent,
        discount_amount=whole - line.net_amount,
        period=_period(line.service_from, line.service_to),
        seller_identifier=line.sku,
        cost_centre=line.cost_center,
    )
