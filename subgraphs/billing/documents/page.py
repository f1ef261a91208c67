"""A document as a page of paper: a letter with lines, sums and taxes, and a code that banking apps read."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

from subgraphs.billing.documents.words import Words, words
from subgraphs.billing.rules.document import (
    DIRECT_DEBIT,
    DocumentLine,
    InvoiceDocument,
    Party,
    PostalAddress,
    ServicePeriod,
)
from subgraphs.billing.rules.invoices import CLAIMS, InvoiceKind
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.sepa import next_banking_day
from subgraphs.kit import paper
from subgraphs.kit.paper import Letter, day, each, figure, grouped, money

_TEMPLATE = Path(__file__).parent / "page.typ"
_TRANSFER = "58"


async def pdf(document: InvoiceDocument) -> bytes:
    """The document as PDF/A-3b; takes some 50 ms beside the event loop."""
    return await paper.pdf(letter(document), _TEMPLATE, content(document))


def letter(document: InvoiceDocument) -> Letter:
    """Who writes to whom, and what about."""
    said, seller = words(document.language), document.seller
    return Letter(
        title=f"{said.titles[document.kind]} {document.number}".strip(),
        language=document.language,
        day=document.issue_date,
        sender=seller.trading_name or seller.name,
        sender_line=" · ".join(
            [seller.name, *address(seller.address, home=seller.address.country, language=document.language)]
        ),
        recipient=[
            document.buyer.name,
            *address(document.buyer.address, home=seller.address.country, language=document.language),
        ],
        facts=_facts(document, said),
        footer=footer(document.seller, document.payment.iban, document.language),
        page=said.page,
        draft=said.draft if document.is_draft else None,
    )


def content(document: InvoiceDocument) -> dict[str, Any]:
    """All that the page says below its title, in its language, ready to be set."""
    said = words(document.language)
    return {
        "opening": [
            *(said.preceding.format(number=one.number, day=day(one.issue_date, document.language)) for one in document.preceding),
            *document.notes,
        ],
        "head": said.head,
        "lines": _lines(document, said),
        "carried": said.carried,
        "sums": _sums(document, said),
        "reasons": _reasons(document, said),
        "payment": _payment(document, said),
        "code": _code(document),
        "code-words": said.code,
    }  # fmt: skip


def _abroad(country: str, language: str) -> str:
    """A country in capitals, as the post wants it in the last line."""
    from babel import Locale  # noqa: PLC0415 - reads its tables, which only documents need

    return str(Locale(paper.spoken(language)).territories.get(country, country)).upper()


def address(where: PostalAddress, *, home: str | None, language: str) -> list[str]:
    """An address in lines; the country only abroad."""
    place = " ".join(part for part in (where.postal_code, where.city) if part)
    country = _abroad(where.country, language) if where.country and where.country != home else None
    return [part for part in (where.line1, where.line2, place, country) if part]


def _facts(document: InvoiceDocument, said: Words) -> list[tuple[str, str]]:
    language = document.language
    facts = [
        (said.number, document.number),
        (said.issued, day(document.issue_date, language)),
        _performed(document, said),
        _until(document, said),
        (said.customer, document.buyer.identifier),
        (said.their_vat_id, document.buyer.vat_id),
        (said.buyer_reference, document.buyer_reference),
        (said.order, document.order_reference),
        (said.contract, document.contract_reference),
    ]
    return [(label, value) for label, value in facts if value]


def _performed(document: InvoiceDocument, said: Words) -> tuple[str, str | None]:
    """When it was done (§ 14 (4) no. 6 UStG): a span of days, or the one day of a delivery."""
    span = document.period
    if span is not None and span.start != span.end:
        return said.period, _period(span, document.language)
    delivered = document.delivery_date or (span.end if span else None)
    return said.delivered, day(delivered, document.language) if delivered else None


def _period(period: ServicePeriod | None, language: str) -> str | None:
    if period is None:
        return None
    days = dict.fromkeys((day(period.start, language), day(period.end, language)))
    return " – ".join(days)  # noqa: RUF001 - the dash of a range


def _period_of(line: DocumentLine, language: str) -> str | None:
    """The days of a line, unless its name says them."""
    said = line.period is not None and day(line.period.start, "de") in line.name
    return None if said else _period(line.period, language)


def _until(document: InvoiceDocument, said: Words) -> tuple[str, str | None]:
    """The day on which the money is due, or is taken; what asks for none has no such day."""
    if document.due_date is None or document.kind not in CLAIMS:
        return said.due, None
    if document.payment.means_code == DIRECT_DEBIT:
        return said.debited_on, day(_debited_on(document), document.language)
    return said.due, day(document.due_date, document.language)


def _lines(document: InvoiceDocument, said: Words) -> list[dict[str, Any]]:
    """The lines, each with what they come to so far: the next page begins with it."""
    sums = accumulate(line.net for line in document.lines)
    return [
        _line(document, line, said) | {"carry": money(so_far, document.currency, document.language)}
        for line, so_far in zip(document.lines, sums, strict=True)
    ]


def _line(document: InvoiceDocument, line: DocumentLine, said: Words) -> dict[str, Any]:
    language = document.language
    discount = f"- {figure(line.discount_percent, language)} %" if line.discount_amount else None
    return {
        "position": line.position,
        "name": line.name,
        "more": [one for one in (line.description, _period_of(line, language), discount, line.note) if one],
        "quantity": f"{figure(line.quantity, language)} {said.unit(line.unit_code, line.quantity)}",
        "price": each(line.unit_price, language),
        "tax": f"{figure(line.rate, language)} %",
        "net": figure(line.net, language, 2),
    }


def _sums(document: InvoiceDocument, said: Words) -> list[dict[str, Any]]:
    language, currency = document.language, document.currency

    def row(label: str, value: Decimal, *, strong: bool = False) -> dict[str, Any]:
        return {"label": label, "value": money(value, currency, language), "strong": strong}

    rows = []
    if document.allowance_total:
        rows += [row(said.subtotal, document.lines_net), row(said.allowance, -document.allowance_total)]
    rows.append(row(said.net, document.net))
    for part in document.breakdown:
        label = said.tax.format(rate=figure(part.rate, language), taxable=money(part.taxable, currency, language))
        rows.append(row(label, part.tax))
    whole = said.credited if document.kind is InvoiceKind.CREDIT_NOTE else said.gross
    rows.append(row(whole, document.gross, strong=True))
    if document.paid:
        rows += [row(said.paid, -document.paid), row(said.to_pay, document.due, strong=True)]
    return rows


def _reasons(document: InvoiceDocument, said: Words) -> list[str]:
    """Why a part is not taxed, as § 14 (4) UStG wants it said; and the tax in euros where the invoice has another currency."""
    found = [part.exemption_text for part in document.breakdown if part.exemption_text]
    if document.tax_in_tax_currency is not None and document.tax_currency and document.exchange_rate:
        tax = money(document.tax_in_tax_currency, document.tax_currency, document.language)
        rate = figure(document.exchange_rate, document.language)
        found.append(said.tax_in_euro.format(currency=document.tax_currency, tax=tax, rate=rate))
    return list(dict.fromkeys(found))


def _payment(document: InvoiceDocument, said: Words) -> list[str]:
    if document.due <= ZERO:
        return []
    payment, language = document.payment, document.language
    if document.kind is InvoiceKind.CREDIT_NOTE:
        return [said.refund.format(amount=money(document.due, document.currency, language))]
    terms = [document.payment_terms] if document.payment_terms else []
    terms += [said.skonto.format(days=one.days, percent=figure(one.percent, language)) for one in document.skonto]
    if payment.iban and not document.is_draft:
        name, reference = payment.account_name or document.seller.name, payment.reference or document.number
        terms.append(said.transfer.format(iban=grouped(payment.iban), name=name, reference=reference))
    if payment.debited_iban:
        hidden = f"{payment.debited_iban[:4]} … {payment.debited_iban[-4:]}"
        amount, on = money(document.due, document.currency, language), day(_debited_on(document), language)
        terms.append(
            said.debit.format(
                amount=amount, day=on, iban=hidden, mandate=payment.mandate_reference, creditor=payment.creditor_id
            )
        )
    return terms


def _debited_on(document: InvoiceDocument) -> date:
    """The customer is told the day: that on which it is due, or the next one on which banks work."""
    return next_banking_day(document.due_date or document.issue_date)


def _code(document: InvoiceDocument) -> str | None:
    """The transfer as a QR code (EPC069-12, "GiroCode"), which knows euros only."""
    payment = document.payment
    if (
        document.is_draft
        or document.kind not in CLAIMS
        or document.currency != "EUR"
        or payment.means_code != _TRANSFER
        or not payment.iban
    ):
        return None
    name, reference = payment.account_name or document.seller.name, payment.reference or document.number
    return girocode(name, payment.iban, payment.bic, document.due, reference)


def girocode(name: str, iban: str, bic: str | None, amount: Decimal, reference: str) -> str | None:
    """A transfer as a QR code (EPC069-12), as a picture; None for an amount that it can't name."""
    if not Decimal("0.01") <= amount <= Decimal("999999999.99"):
        return None
    import segno.helpers  # noqa: PLC0415 - only documents need it

    code = segno.helpers.make_epc_qr(
        name=name[:70], iban=iban, bic=bic, amount=amount, text=reference[:140], encoding="utf-8"
    )
    picture = io.BytesIO()
    code.save(picture, kind="svg", border=0, xmldecl=False)
    return picture.getvalue().decode("utf-8")


def footer(seller: Party, iban: str | None, language: str) -> list[list[str]]:
    """Who sells, in three blocks at the foot of each page (§ 35a GmbHG)."""
    said = words(language)
    return [
        [seller.name, *address(seller.address, home=seller.address.country, language=language)],
        [one for one in _reachable(seller) if one],
        [
            one
            for one in (
                f"{said.vat_id} {seller.vat_id}" if seller.vat_id else None,
                f"{said.tax_number} {seller.tax_number}" if seller.tax_number else None,
                seller.registration,
                seller.legal_information,
                f"IBAN {grouped(iban)}" if iban else None,
            )
            if one
        ],
    ]


def _reachable(seller: Party) -> list[str | None]:
    contact = seller.contact
    return [contact.name, contact.phone, contact.email] if contact else []
