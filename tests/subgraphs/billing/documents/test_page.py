"""What a page says: who gets it, when money is due or taken, and that lines, sums and terms stay together."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pypdf import PdfReader

from subgraphs.billing.documents import page
from subgraphs.billing.documents.words import ENGLISH, GERMAN
from subgraphs.billing.rules.document import Payment, PostalAddress, Preceding
from subgraphs.billing.rules.invoices import InvoiceKind
from tests.subgraphs.billing.documents.samples import BUYER, LINES, document, line

DEBIT = Payment(
    means_code="59", mandate_reference="MD-1", creditor_id="DE98ZZZ09999999999", debited_iban="DE02500105170137075030"
)
CREDITED = {"kind": InvoiceKind.CREDIT_NOTE, "type_code": "381", "preceding": (Preceding("RE-1", date(2026, 3, 1)),)}


def labels(made) -> list[str]:
    return [label for label, _ in page.letter(made).facts]


def test_a_credit_note_asks_nobody_to_pay_it():
    made = document(**CREDITED)
    said = page.content(made)

    assert said["payment"] == ["Wir verrechnen 801,66 € mit offenen Rechnungen oder zahlen den Betrag zurück."]
    assert said["code"] is None
    assert "Zahlbar bis" not in labels(made)


def test_what_is_debited_says_the_day_the_amount_and_the_mandate():
    made = document(payment=DEBIT, payment_terms=None, due_date=date(2026, 4, 3))  # Good Friday

    assert page.content(made)["payment"] == [
        "Wir buchen 801,66 € zum 07.04.2026 von DE02 … 5030 ab (SEPA-Mandat MD-1, Gläubiger-ID DE98ZZZ09999999999)."
    ]
    assert page.content(made)["code"] is None
    assert ("Abbuchung am", "07.04.2026") in page.letter(made).facts


@pytest.mark.parametrize(("language", "name"), [("de", "ÖSTERREICH"), ("en", "AUSTRIA")])
def test_a_letter_abroad_names_the_country_as_the_post_wants_it(language, name):
    abroad = replace(BUYER, address=PostalAddress("Ring 1", None, "1010", "Wien", "AT"))

    assert page.letter(document(buyer=abroad, language=language)).recipient[-1] == name
    assert page.letter(document(language=language)).recipient[-1] == "24114 Kiel"


def test_one_month_is_no_months():
    assert [GERMAN.unit("MON", Decimal(n)) for n in (1, -1, 2, "0.5")] == ["Monat", "Monat", "Monate", "Monate"]
    assert [GERMAN.unit(code, Decimal(1)) for code in ("HUR", "LS", "XYZ")] == ["Std.", "psch.", "XYZ"]
    assert [ENGLISH.unit("C62", Decimal(n)) for n in (1, 3)] == ["pc", "pcs"]


async def test_the_sums_never_stand_without_a_line_and_each_page_carries_over():
    """Whatever number of lines fills the first page: the last one goes with the sums and how to pay."""
    for count in (14, 17, 19, 30):
        lines = tuple(
            line(str(n), f"Posten {n}", "1", "C62", "10.00", "19", description="Beschreibung") for n in range(1, count)
        )
        pages = [one.extract_text() for one in PdfReader(io.BytesIO(await page.pdf(document(lines)))).pages]
        with_sums = next(text for text in pages if "Rechnungsbetrag" in text)

        assert f"Posten {count - 1}" in with_sums
        assert "Bitte überweisen" in with_sums
        assert ["Übertrag" in text for text in pages] == [False] + [True] * (len(pages) - 1)
        assert all("Einzelpreis" in text for text in pages)


async def test_a_description_longer_than_a_page_goes_on_on_the_next():
    long = replace(LINES[0], description="Sehr ausführlich. " * 600)
    pages = [one.extract_text() for one in PdfReader(io.BytesIO(await page.pdf(document((long, LINES[1]))))).pages]

    assert len(pages) >= 2
    assert "Fachbuch" in pages[-1]
