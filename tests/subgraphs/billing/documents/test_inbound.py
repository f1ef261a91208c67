"""Invoices of suppliers, read: what they say in each syntax, and what is no invoice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.billing.documents import check, cii, inbound, ubl
from subgraphs.billing.documents.check import Syntax
from subgraphs.billing.rules.inbound import InboundFormat, Said
from subgraphs.kit.errors import Invalid
from tests.subgraphs.billing.documents.samples import document

EXPECTED = {
    "number": "RE-2026-000124", "type_code": "380", "issue_date": date(2026, 3, 10), "due_date": date(2026, 3, 24),
    "currency": "EUR", "supplier": "Nordlicht Systemhaus GmbH", "supplier_vat_id": "DE123456789",
    "buyer": "Hansen Logistik GmbH", "buyer_vat_id": "DE987654321", "net": Decimal("678.70"), "tax": Decimal("122.96"),
    "gross": Decimal("801.66"), "payable": Decimal("801.66"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "kind"), [(ubl.invoice, InboundFormat.UBL), (cii.invoice, InboundFormat.CII)], ids=["UBL", "CII"]
)
async def test_an_invoice_says_the_same_in_both_syntaxes(written, kind):
    xml = written(document())
    found = await inbound.read(xml, field="contentBase64")

    assert (found.format, found.xml, found.page_differs) == (kind, xml, False)
    assert {name: getattr(found.said, name) for name in EXPECTED} == EXPECTED
    assert found.said.is_xrechnung
    assert found.said.iban is not None


async def test_what_an_invoice_lacks_or_garbles_is_not_there():
    xml = b"""<Invoice xmlns="urn:x"><ID>  </ID><IssueDate>soon</IssueDate><LegalMonetaryTotal>
        <TaxExclusiveAmount>1e99</TaxExclusiveAmount><TaxInclusiveAmount>NaN</TaxInclusiveAmount>
        <PayableAmount>x</PayableAmount></LegalMonetaryTotal></Invoice>"""

    assert (await inbound.read(xml, field="contentBase64")).said == Said()


BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c SYSTEM "file:///etc/passwd">]><Invoice><ID>&c;&b;</ID></Invoice>'


@pytest.mark.parametrize(
    "file", [b"", b"rubbish", b"<html/>", b"%PDF-1.7 broken", b"PK\x03\x04", b"<Invoice>", b"\xff\xfe"]
)
async def test_what_is_no_invoice_is_refused(file):
    with pytest.raises(Invalid) as refusal:
        await inbound.read(file, field="contentBase64")

    assert refusal.value.field == "contentBase64"


async def test_an_invoice_may_come_in_another_encoding():
    xml = ubl.invoice(document()).decode().replace("UTF-8", "ISO-8859-1").encode("iso-8859-1")
    found = await inbound.read(xml, field="contentBase64")

    assert (found.xml, found.said.number) == (xml, "RE-2026-000124")
    assert "Änne Möller" in inbound.text(xml)
    assert await check.findings(xml, Syntax.UBL, xrechnung=True) == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
async def test_whatever_comes_is_read_or_refused(file):
    try:
        await inbound.read(file, field="contentBase64")
    except Invalid as refusal:
        assert refusal.field == "contentBase64"  # noqa: PT017 - either outcome is right
