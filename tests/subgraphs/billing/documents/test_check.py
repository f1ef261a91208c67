"""The official rules find what is wrong, in both syntaxes, and nothing in what is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from subgraphs.billing.documents import check, cii, ubl
from subgraphs.billing.documents.check import Syntax
from subgraphs.billing.rules.document import Allowance, InvoiceDocument, PostalAddress, Preceding, Skonto
from subgraphs.billing.rules.einvoice import Severity, fatal, remedy
from subgraphs.billing.rules.invoices import InvoiceKind
from subgraphs.billing.rules.totals import Line, totals
from subgraphs.billing.rules.vat import TaxCategory
from tests.subgraphs.billing.documents.samples import BUYER, LINES, PAYMENT, SELLER, S, document, line

WRITERS = {Syntax.UBL: ubl.invoice, Syntax.CII: cii.invoice}
both = pytest.mark.parametrize("syntax", list(Syntax))
AE = TaxCategory.AE


async def rules(made: InvoiceDocument, syntax: Syntax) -> list[str]:
    found = await check.findings(WRITERS[syntax](made), syntax, xrechnung=made.xrechnung)
    return [one.rule for one in fatal(found)]


def discounted() -> InvoiceDocument:
    """AT-TOT-3: five percent off the whole."""
    sums = totals([Line(one.quantity, one.unit_price, S, one.rate) for one in LINES], discount_percent=Decimal(5))
    allowances = tuple(
        Allowance(one.allowance, one.lines_net, Decimal(5), one.category, one.rate, "Treuerabatt")
        for one in sums.breakdown
    )
    return document(
        allowances=allowances, allowance_total=sums.allowance, breakdown=sums.breakdown, net=sums.net, tax=sums.tax,
        gross=sums.gross, due=sums.gross,
    )  # fmt: skip


def mirrored(type_code: str, kind: InvoiceKind, **changed: object) -> InvoiceDocument:
    lines = tuple(replace(one, quantity=-one.quantity, net=-one.net) for one in LINES)
    return document(lines, type_code=type_code, kind=kind, **changed)


PRECEDING = (Preceding("RE-2026-000124", date(2026, 3, 10)),)
ABROAD = replace(BUYER, address=PostalAddress("Rue 1", None, "1000", "Bruxelles", "BE"), vat_id="BE0123456749")
IN_ORDER = {
    "at_ein_1_two_rates": document(),
    "plain EN 16931": document(xrechnung=False, buyer_reference=None),
    "a discount on the whole": discounted(),
    "a discount on a line": document(
        (replace(line("1", "Stunde", "10", "HUR", "100", "19"), net=Decimal("900.00"), discount_percent=Decimal(10),
                 discount_amount=Decimal("100.00")),),
        lines_net=Decimal("900.00"), net=Decimal("900.00"), tax=Decimal("171.00"), gross=Decimal("1071.00"),
        due=Decimal("1071.00"),
        breakdown=totals([Line(Decimal(10), Decimal(100), S, Decimal(19), Decimal(10))]).breakdown,
    ),
    "early payment": document(skonto=(Skonto(10, Decimal(2)), Skonto(20, Decimal("1.5"), Decimal("500.00")))),
    "the buyer owes the tax": document((line("1", "Beratung", "3", "HUR", "100", "0", category=AE),), buyer=ABROAD),
    "a cancellation": mirrored("384", InvoiceKind.CANCELLATION, preceding=PRECEDING),
    "a credit note": document(LINES[1:2], type_code="381", kind=InvoiceKind.CREDIT_NOTE, preceding=PRECEDING,
                              project_reference="P-7"),
    "a direct debit": document(
        payment=replace(PAYMENT, means_code="59", iban=None, bic=None, account_name=None, mandate_reference="M-1",
                        creditor_id="DE98ZZZ09999999999", debited_iban="DE75512108001245126199"),
    ),
    "paid in part, with every reference": document(
        paid=Decimal("100.00"), due=Decimal("701.66"), order_reference="PO-9", contract_reference="V-12",
        project_reference="P-7", notes=("Vielen Dank für Ihren Auftrag.", "Ümläute & <Zeichen>"), tax_point_date=None,
        period=LINES[0].period, delivery_address=PostalAddress("Lager 1", None, "20457", "Hamburg", "DE"),
    ),
    "francs": document(
        currency="CHF", tax_currency="EUR", tax_in_tax_currency=Decimal("129.43"), exchange_rate=Decimal("0.95"),
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize("name", IN_ORDER)
async def test_at_ein_1_what_is_right_is_found_to_be_right(name: str, syntax: Syntax) -> None:
    assert await rules(IN_ORDER[name], syntax) == []


def without_phone() -> InvoiceDocument:
    assert SELLER.contact is not None
    return document(seller=replace(SELLER, contact=replace(SELLER.contact, phone=None)))


WRONG = {
    "at_ein_2_no_phone": (without_phone(), "BR-DE-6"),
    "at_ein_3_skonto_by_hand": (document(payment_terms="#SKONTO#TAGE=10#PROZENT=2#\n"), "BR-DE-18"),
    "at_ein_4_reverse_charge_without_vat_id": (
        document((line("1", "Beratung", "3", "HUR", "100", "0", category=AE),), buyer=replace(BUYER, vat_id=None)),
        "BR-AE-02",
    ),
    "no reference of the buyer": (document(buyer_reference=None), "BR-DE-15"),
    "no electronic address of the buyer": (document(buyer=replace(BUYER, endpoint=None)), "PEPPOL-EN16931-R010"),
    "a sum that is none": (document(gross=Decimal("801.67"), due=Decimal("801.67")), "BR-CO-15"),
    "no city": (document(buyer=replace(BUYER, address=replace(BUYER.address, city=None))), "BR-DE-8"),
}


@both
@pytest.mark.parametrize("name", WRONG)
async def test_what_is_wrong_is_found_with_its_rule(name: str, syntax: Syntax) -> None:
    made, rule = WRONG[name]

    assert rule in await rules(made, syntax)


@pytest.mark.parametrize("name", [name for name, (_, rule) in WRONG.items() if rule != "BR-CO-15"])
def test_a_rule_that_data_can_break_says_which_field_mends_it(name: str) -> None:
    found = remedy(WRONG[name][1])

    assert found is not None
    assert found.field
    assert found.action.endswith(".")


@both
async def test_what_is_no_invoice_is_said_to_be_none(syntax: Syntax) -> None:
    broken = await check.findings(b"<no", syntax, xrechnung=True)
    other = await check.findings(b"<other/>", syntax, xrechnung=True)
    entity = await check.findings(
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', syntax, xrechnung=True
    )

    assert [(one.rule, one.severity) for one in broken] == [("XML", Severity.FATAL)]
    assert [(one.rule, one.message) for one in other] == [
        ("XSD", f"This is no {syntax.value} invoice: its root is other")
    ]
    assert "root:" not in str(entity)
