"""The files that are sent: pages that say what the invoice says, XML inside that is the same invoice, and nothing for a wrong one."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from subgraphs.billing.documents import cii, page, zugferd
from subgraphs.billing.documents.writing import Format, Rejected, files
from subgraphs.billing.rules.document import Preceding, Skonto
from subgraphs.billing.rules.einvoice import Severity
from subgraphs.billing.rules.invoices import InvoiceKind
from tests.subgraphs.billing.documents.samples import LINES, SELLER, document


def text(pdf: bytes) -> str:
    return "\n".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf)).pages)


async def test_a_page_says_what_the_invoice_says() -> None:
    said = text(await page.pdf(document(skonto=(Skonto(10, Decimal(2)),))))

    for part in (
        "Rechnung RE-2026-000124", "Hansen Logistik GmbH", "24114 Kiel", "10.03.2026", "3,25 Std.", "390,00",
        "USt. 19 % auf 628,80 €", "119,47 €", "801,66 €", "10 Tagen 2 % Skonto", "DE02 1203 0000 0000 2020 51",
        "USt-IdNr. DE123456789", "Seite 1 / 1",
    ):  # fmt: skip
        assert part in said


async def test_a_page_in_english_of_many_lines_repeats_its_head_and_counts_its_pages() -> None:
    lines = tuple(replace(LINES[at % 3], position=str(at + 1)) for at in range(60))
    made = await page.pdf(replace(document(lines), language="en"))
    pages = [one.extract_text() for one in PdfReader(io.BytesIO(made)).pages]

    assert len(pages) == 3
    assert all("Unit price" in one and f"{at + 1} / 3" in one for at, one in enumerate(pages[:2]))
    assert "Amount due" not in "".join(pages)


async def test_a_draft_says_so_and_a_code_is_on_real_invoices_in_euros_only() -> None:
    draft = document(is_draft=True, number="")

    assert "ENTWURF" in text(await page.pdf(draft))
    assert page.content(draft)["code"] is None
    assert page.content(document(currency="CHF"))["code"] is None
    assert page.content(document(paid=Decimal("801.66"), due=Decimal("0.00")))["code"] is None
    assert page.content(document())["code"].startswith("<svg")


def test_a_cancellation_names_what_it_undoes_and_asks_for_nothing() -> None:
    lines = tuple(replace(one, quantity=-one.quantity, net=-one.net) for one in LINES)
    made = document(
        lines,
        kind=InvoiceKind.CANCELLATION,
        type_code="384",
        preceding=(Preceding("RE-2026-000123", date(2026, 3, 9)),),
    )
    said = page.content(made)

    assert page.letter(made).title == "Stornorechnung RE-2026-000124"
    assert said["opening"] == ["Zu RE-2026-000123 vom 09.03.2026."]
    assert said["payment"] == []
    assert said["sums"][-1] == {"label": "Rechnungsbetrag", "value": "-801,66 €", "strong": True}


async def test_whatever_stands_in_a_name_is_text_on_the_page() -> None:
    """Typst's own marks, quotes and markup come in as data, and stay data."""
    nasty = '#panic("x") *fett* _kursiv_ $1/0$ <b> "Ünïcödé" \\'
    said = text(await page.pdf(document((replace(LINES[1], name=nasty),))))

    assert '#panic("x") *fett*' in said.replace("\n", " ")


async def test_at_ein_1_zugferd_carries_the_same_invoice_and_is_pdf_a_3() -> None:
    made = document(xrechnung=False)
    pdf = (await files(made, Format.ZUGFERD_EN16931)).pdf
    found = await zugferd.received(pdf)
    metadata = PdfReader(io.BytesIO(pdf)).xmp_metadata

    assert found.xml == cii.invoice(made)
    assert found.sha256 == hashlib.sha256(found.xml).hexdigest()
    assert (found.number, found.gross, found.differs) == ("RE-2026-000124", Decimal("801.66"), False)
    assert metadata is not None
    raw = metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in raw
    assert "EN 16931" in raw


async def test_at_ein_5_a_page_that_shows_another_amount_is_noticed() -> None:
    made = document(xrechnung=False)
    other = zugferd._attached(await page.pdf(made), cii.invoice(document(LINES[:1])), made)
    found = await zugferd.received(other)

    assert (found.gross, found.differs) == (Decimal("464.10"), True)


@pytest.mark.parametrize("file", [b"", b"%PDF-1.7 broken", b"PK\x03\x04", b"\x00" * 100])
async def test_what_is_no_pdf_has_no_invoice_inside(file: bytes) -> None:
    with pytest.raises(zugferd.NoInvoiceInside, match="no PDF with an invoice inside"):
        await zugferd.received(file)


async def test_a_pdf_without_xml_has_no_invoice_inside() -> None:
    with pytest.raises(zugferd.NoInvoiceInside):
        await zugferd.received(await page.pdf(document()))


@pytest.mark.parametrize("wanted", [Format.XRECHNUNG_UBL, Format.XRECHNUNG_CII, Format.ZUGFERD_EN16931])
async def test_a_wrong_document_is_not_written(wanted: Format) -> None:
    assert SELLER.contact is not None
    wrong = document(seller=replace(SELLER, contact=replace(SELLER.contact, phone=None)))

    with pytest.raises(Rejected, match="BR-DE-6") as refused:
        await files(wrong, wanted)

    assert [(one.rule, one.severity) for one in refused.value.findings] == [("BR-DE-6", Severity.FATAL)]


async def test_paper_alone_asks_nobody() -> None:
    made = await files(document(buyer_reference=None), Format.NONE_PDF)

    assert (made.xml, made.findings) == (None, ())
    assert made.pdf.startswith(b"%PDF-1.7")
